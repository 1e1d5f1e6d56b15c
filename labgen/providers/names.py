"""What a lab's machines and network are called on this host, whoever runs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


class NamedNode(Protocol):
    """A node of which no more than the name is asked for."""

    @property
    def name(self) -> str: ...


class LabNames(Protocol):
    """A lab of which no more than names is asked for: a Lab, or what is left of one."""

    @property
    def name(self) -> str: ...

    @property
    def nodes(self) -> Sequence[NamedNode]: ...


@dataclass(frozen=True)
class NodeName:
    name: str


@dataclass(frozen=True)
class KnownNames:
    """The names of a lab that cannot be resolved, or need not be."""

    name: str
    nodes: tuple[NodeName, ...]

    @classmethod
    def of(cls, name: str, nodes: Iterable[str]) -> KnownNames:
        return cls(name, tuple(map(NodeName, nodes)))


def machine_name(lab: LabNames, node: str) -> str:
    """The name of a node's container or domain on this host."""
    return f"labgen-{lab.name}-{node}"


def network_name(lab: LabNames) -> str:
    """The name of the lab's network on this host."""
    return f"labgen-{lab.name}"
