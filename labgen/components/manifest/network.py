"""Where a component listens, and whom it talks to."""

from __future__ import annotations

from typing import Any, Literal

from labgen.components.manifest.base import Identifier, Name, Strict


class Listen(Strict):
    """A port on which something of the component listens: on the node's own address, or on loopback only.

    PORT may be Jinja text over the component's values; 0 means that the node does without.
    """

    port: int | str
    protocol: Literal["tcp", "udp"] = "tcp"
    on: Literal["node", "loopback"] = "node"
    when: dict[Identifier, Any] = {}


class Talk(Strict):
    """Whom a component talks to, for the picture of a lab.

    TO is a component: the one on the same node, or those on the nodes of the lab (`on: lab`), narrowed by parameter
    values in `where`. `when`: the talker's own parameter values for which it does. PORT may be Jinja text over the
    component's values; 0 means that the node does without.
    """

    to: Name
    on: Literal["node", "lab"] = "node"
    label: str = ""
    port: int | str | None = None
    where: dict[Identifier, Any] = {}
    when: dict[Identifier, Any] = {}
