"""A lab as a picture: boxes in boxes, and lines between them. Every text here is plain and not quoted yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Box:
    """A component on a machine."""

    id: str
    component: str


@dataclass(frozen=True)
class Machine:
    """A node with its components."""

    id: str
    name: str
    address: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Group:
    """Machines that are alike: the same components, in the same talks. One machine alone is a group too.

    notes: talks of each machine with every other one of the group, which as lines would cross everything.
    """

    id: str
    machines: tuple[Machine, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spot:
    """Something that is no machine: the `client`, an `address` that moves about, a `mesh` of all with all."""

    id: str
    kind: Literal["client", "address", "mesh"]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class End:
    """Where a line ends. `box` is something innermost there, for layouts that know no other end of a line."""

    id: str
    box: str


@dataclass(frozen=True)
class Line:
    """`talk`: from who asks to who answers. `mesh`: takes part in it. `held`: the address is on one of these."""

    tail: End
    head: End
    labels: tuple[str, ...]
    kind: Literal["talk", "mesh", "held"] = "talk"


@dataclass(frozen=True)
class Graph:
    """Title, things from the client downwards, and the lines between them."""

    title: tuple[str, ...]
    groups: tuple[Group, ...]
    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]
