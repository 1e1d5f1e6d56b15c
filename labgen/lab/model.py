"""A lab: a blueprint with every value resolved. Plain frozen data; nothing here touches a disk or a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network
from typing import Any, Generic, TypeVar

from labgen.blueprint.model import Blueprint
from labgen.components.manifest import FailoverManagerRole, Role
from labgen.components.registry import Component
from labgen.documents import Place, Problem
from labgen.errors import UnknownNameError
from labgen.lock.model import Lock
from labgen.overrides.model import Tree, UserFile

Values = Mapping[str, Any]
R = TypeVar("R", bound=Role)


@dataclass(frozen=True)
class Node:
    """One machine of a lab. `settings` holds a value for every parameter of each of its components.

    config: component → what is changed in its configuration file. origins: path of a value (`patroni`, `ttl`) → where
    it comes from, in words.
    """

    name: str
    address: str
    components: tuple[str, ...]
    memory: int
    cpus: int
    settings: Mapping[str, Values]
    config: Mapping[str, Tree] = field(default_factory=dict)
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class LabNetwork:
    """The lab's range; `moved_from` is the blueprint's own, where that is another one."""

    cidr: str
    prefix: int
    moved_from: str | None = None

    def interface(self, address: str) -> str:
        """ADDRESS with the network's prefix length, as `ip address add` takes it."""
        return str(IPv4Interface(f"{address}/{self.prefix}"))

    def __contains__(self, address: str) -> bool:
        return IPv4Interface(address).ip in IPv4Network(self.cidr)


@dataclass(frozen=True)
class LabWarning:
    """A rule of level `warning` that does not hold: the lab can be made, but tolerates less than it may seem to.

    nodes: those on which it does not hold; none if it is about the lab as a whole.
    place: where the blueprint speaks of it. path: of what it speaks there.
    """

    component: str
    text: str
    nodes: tuple[str, ...]
    place: Place
    path: str

    @property
    def problem(self) -> Problem:
        """The same as what is said of a document."""
        return Problem(self.place, self.path, str(self))

    def __str__(self) -> str:
        return f"{self.component}: {self.text}{on_nodes(self.nodes)}"


@dataclass(frozen=True)
class PlacedFile:
    """A file of the user's on NODES (all, if there are none), with its text."""

    about: UserFile
    text: str

    def is_on(self, node: Node) -> bool:
        return not self.about.nodes or node.name in self.about.nodes


@dataclass(frozen=True)
class Provided(Generic[R]):
    """A role that a component has in a lab, and the nodes that have it there, in blueprint order; at least one."""

    component: str
    role: R
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Lab:
    """Everything that decides what the machines will be, except the secrets' values, which travel apart.

    overrides: the `--set` words the lab was made with, in order. box: a vendor's box, or None for images built here.
    versions: program → version, as the components' manifests state them for the lab's OS.
    weaknesses: the warnings about its topology. lock: the packages and artefacts that it is to be made of.
    packages: Debian package → the version it has to be, or nothing. files: of the user's own. contained: component →
    secret → text that has to be in it. origins: path of a value of the whole lab → where it comes from, in words.
    """

    name: str
    blueprint: Blueprint
    profile: str
    provider: str
    os: str
    box: str | None
    network: LabNetwork
    nodes: tuple[Node, ...]
    components: Mapping[str, Component]
    versions: Mapping[str, str]
    overrides: tuple[str, ...] = ()
    weaknesses: tuple[LabWarning, ...] = ()
    lock: Lock | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    files: tuple[PlacedFile, ...] = ()
    contained: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    origins: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def installed(self, node: Node) -> tuple[str, ...]:
        """The components whose install stage is in the image that NODE boots from; a step of the user's is in none."""
        return tuple(
            name
            for name in node.components
            if "install" in (component := self.components[name]).stages and not component.own
        )

    def member(self, node: Node) -> str:
        """The name that the failover manager on NODE goes by in its cluster."""
        for component, role in self.roles_on(node, FailoverManagerRole):
            if role.member is not None and (name := node.settings[component][role.member]):
                return str(name)
        return node.name

    @property
    def members(self) -> dict[str, str]:
        """The name that a failover manager goes by → its node."""
        return {self.member(node): node.name for node in self.member_nodes}

    @property
    def member_nodes(self) -> tuple[Node, ...]:
        """The nodes with a failover manager, and so with PostgreSQL, in blueprint order."""
        return tuple(node for node in self.nodes if any(self.components[name].manages for name in node.components))

    def roles_on(self, node: Node, kind: type[R]) -> Iterator[tuple[str, R]]:
        """The component and its role, for each role of KIND that one has on NODE."""
        for component in node.components:
            for role in self.components[component].manifest.provides:
                if isinstance(role, kind) and matches(node.settings[component], getattr(role, "where", {})):
                    yield component, role

    def providing(self, kind: type[R]) -> tuple[Provided[R], ...]:
        """Every role of KIND that a component has on a node of this lab."""
        found: dict[tuple[str, int], Provided[R]] = {}
        for node in self.nodes:
            for component, role in self.roles_on(node, kind):
                key = (component, id(role))
                before = found[key].nodes if key in found else ()
                found[key] = Provided(component, role, (*before, node))
        return tuple(found.values())

    @property
    def artefact_names(self) -> dict[str, tuple[str, ...]]:
        """Component → the files that its install step takes from `artefacts/`."""
        return {name: tuple(component.manifest.artefacts) for name, component in self.components.items()}

    def node(self, name: str) -> Node:
        """The node called NAME; raises UnknownNameError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise UnknownNameError("node", name, (n.name for n in self.nodes), where=f"lab {self.name}")

    def nodes_with(self, component: str, **where: object) -> tuple[Node, ...]:
        """The nodes that carry COMPONENT, in blueprint order, narrowed by parameter values."""
        return tuple(n for n in self.nodes if component in n.components and matches(n.settings[component], where))


def on_nodes(nodes: Sequence[str]) -> str:
    """The end of a sentence that says where something is so; nothing if it is about no node in particular."""
    return f" (on {', '.join(nodes)})" if nodes else ""


def matches(settings: Values, where: Mapping[str, object]) -> bool:
    """Whether every value asked for in WHERE is the one in SETTINGS."""
    return all(settings.get(key) == value for key, value in where.items())
