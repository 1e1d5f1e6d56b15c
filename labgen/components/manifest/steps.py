"""What a step waits for."""

from __future__ import annotations

from typing import Any, Literal

from labgen.components.manifest.base import Identifier, Name, Strict


class Need(Strict):
    """What must be ready before a step begins.

    COMPONENT on the same node, or on every node of the lab (`on: lab`), narrowed by parameter values in `where`.
    A need never applies to a node that is itself one of those waited for.
    """

    component: Name
    on: Literal["node", "lab"] = "node"
    where: dict[Identifier, Any] = {}


class Start(Strict):
    """How a component starts: what it waits for, and whether one node goes ahead of the others."""

    needs: tuple[Need, ...] = ()
    first_alone: bool = False


class Ready(Strict):
    """What a component that has started waits for before it can do what the lab wants of it."""

    needs: tuple[Need, ...] = ()
