"""More or fewer Patroni nodes than the blueprint has: what `labgen scale` did to a lab, applied to its blueprint.

Only data here: which node comes or goes, and the blueprint that follows. A node that is added is like the last one with
Patroni, with the next number and the next free address, without what its components' manifests say does not scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from labgen.blueprint.addresses import address_problem
from labgen.blueprint.loader import LoadedBlueprint
from labgen.blueprint.model import AccessPath, Blueprint, NodeSpec, Settings
from labgen.blueprint.rebase import move
from labgen.components.registry import Component
from labgen.errors import OperationError, UsageError
from labgen.lab.model import Lab, Node, matches

FEWEST = 2
"""Patroni nodes that a lab keeps: with one there is nobody to take over."""


@dataclass(frozen=True)
class Scale:
    """How a lab differs from its blueprint.

    added: name and address of its further nodes, oldest first; the address is one of the blueprint's own network, and
    moves with the others where the lab has another. removed: the blueprint's nodes that it does without, in the order
    in which they went. by, left: a `scale` that has not come to its end yet: by how many nodes, and how many of them
    have still to go; 0: there is none.
    """

    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    by: int = 0
    left: int = 0

    @property
    def settled(self) -> Scale:
        """The same, with nothing under way."""
        return replace(self, by=0, left=0)

    def without(self, node: str) -> Scale:
        """NODE is gone."""
        added = tuple(entry for entry in self.added if entry[0] != node)
        removed = self.removed if added != self.added else (*self.removed, node)
        return replace(self, added=added, removed=removed, left=max(self.left - 1, 0))


def begun(scale: Scale, by: int, lab: str) -> Scale:
    """SCALE with a change BY so many nodes under way; goes on with one that was cut off, if it is the same.

    The other direction begins anew: that is how to think better of it.
    """
    if scale.by == by:
        return scale
    if scale.by * by > 0:
        raise OperationError(
            f"a scale of {scale.by:+} has not come to its end",
            where=lab,
            cure=f"go on with it: labgen scale {lab} {scale.by:+}\n"
            f"or settle for what there is now: labgen up {lab}, then scale",
        )
    return replace(scale, by=by, left=max(-by, 0))


def grown(lab: Lab, scale: Scale) -> Scale:
    """SCALE with one Patroni node more than LAB has; one that was removed comes back first."""
    if scale.removed:
        return replace(scale, removed=scale.removed[:-1])
    last = _patroni_nodes(lab)[-1]
    name = _next_name(last.name, {node.name for node in lab.nodes})
    address = _next_address(last.address, {*(node.address for node in lab.nodes), *_floating(lab)}, lab)
    if lab.network.moved_from:
        address = move(address, IPv4Network(lab.network.cidr), IPv4Network(lab.network.moved_from))
    return replace(scale, added=(*scale.added, (name, address)))


def leaving(lab: Lab, by: int) -> tuple[str, ...]:
    """The BY nodes that go when LAB gets smaller, in their order; raises OperationError where one has to stay."""
    nodes = _patroni_nodes(lab)
    if len(nodes) - by < FEWEST:
        raise OperationError(
            f"{len(nodes)} nodes carry Patroni, and {max(len(nodes) - by, 0)} would be left: "
            "a leader without a replica has nobody to take over from it",
            where=lab.name,
            cure=f"at least {FEWEST} stay; labgen destroy {lab.name} removes the whole lab",
        )
    going = tuple(reversed(nodes[len(nodes) - by :]))
    for node in going:
        if fixed := [name for name in node.components if not _scales(lab.components[name], node)]:
            raise OperationError(
                f"{node.name} cannot leave: it also carries {', '.join(fixed)}, whose members are counted",
                where=lab.name,
                cure=f"only nodes without it go; labgen scale {lab.name} +1 adds one, which -1 takes away again",
            )
    return tuple(node.name for node in going)


def scaled(loaded: LoadedBlueprint, scale: Scale) -> LoadedBlueprint:
    """LOADED with the nodes that SCALE adds, without those that it removes."""
    if not scale.added and not scale.removed:
        return loaded
    return replace(loaded, blueprint=_scaled(loaded.blueprint, loaded.components, scale))


def _scaled(blueprint: Blueprint, components: Mapping[str, Component], scale: Scale) -> Blueprint:
    nodes = [node for node in blueprint.nodes if node.name not in scale.removed]
    paths = [path for path in blueprint.paths if path.host not in scale.removed]
    last = max(index for index, node in enumerate(nodes) if any(components[name].manages for name in node.components))
    original = nodes[last]
    for at, (name, address) in enumerate(scale.added, last + 1):
        _refuse_taken(blueprint, name, address)
        nodes.insert(at, _like(original, name, address, components))
        paths += [_path_like(path, original.name, name) for path in blueprint.paths if path.host == original.name]
    return blueprint.model_copy(update={"nodes": tuple(nodes), "paths": tuple(paths)})


def _like(original: NodeSpec, name: str, address: str, components: Mapping[str, Component]) -> NodeSpec:
    """A node like ORIGINAL, with what scales and is not ORIGINAL's alone."""
    kept = tuple(component for component in original.components if components[component].manifest.scales is not False)
    settings: Settings = {}
    for component in kept:
        manifest = components[component].manifest
        if missing := [required for required in manifest.requires if required not in kept]:
            raise UsageError(
                f"{name} cannot be added: {component} needs {', '.join(missing)} on its node, which does not scale"
            )
        own = original.settings.get(component, {})
        values = {key: value for key, value in own.items() if not manifest.parameters[key].unique}
        if isinstance(manifest.scales, dict):
            values |= manifest.scales
        if values:
            settings[component] = values
    return original.model_copy(update={"name": name, "address": address, "components": kept, "settings": settings})


def _path_like(path: AccessPath, original: str, name: str) -> AccessPath:
    """A way in to the node NAME, like PATH, which leads to ORIGINAL."""
    changed = {key: getattr(path, key).replace(original, name) for key in ("name", "summary")}
    if changed["name"] == path.name:
        changed["name"] = f"{path.name}-{name}"
    return path.model_copy(update={**changed, "host": name})


def _refuse_taken(blueprint: Blueprint, name: str, address: str) -> None:
    """The blueprint may have been edited since a node was added."""
    for node in blueprint.nodes:
        what = "name" if node.name == name else "address" if node.address == address else None
        if what:
            raise UsageError(
                f"labgen scale has added {name} ({address}) to the lab, "
                f"and the blueprint's node {node.name} has the same {what}",
                cure=f"give the blueprint's node another {what}",
            )


def _patroni_nodes(lab: Lab) -> tuple[Node, ...]:
    if not (nodes := lab.member_nodes):
        raise OperationError(f"no node of {lab.name} carries Patroni: there is nothing to scale", where=lab.name)
    return nodes


def _scales(component: Component, node: Node) -> bool:
    scales = component.manifest.scales
    return matches(node.settings[component.name], scales) if isinstance(scales, dict) else scales


def _floating(lab: Lab) -> Iterator[str]:
    """The addresses in the lab's network that are no node's: floating IPs."""
    for node in lab.nodes:
        for component, values in node.settings.items():
            parameters = lab.components[component].manifest.parameters
            yield from (str(value) for name, value in values.items() if parameters[name].type == "address")


def _next_name(name: str, taken: set[str]) -> str:
    """NAME with the next number: node3 → node4, postgres03 → postgres04, main → main2."""
    stem = name.rstrip("0123456789")
    digits = name.removeprefix(stem)
    number = int(digits or 1)
    while True:
        number += 1
        found = f"{stem}{number:0{len(digits)}d}"
        if found not in taken:
            return found


def _next_address(address: str, taken: set[str], lab: Lab) -> str:
    network = IPv4Network(lab.network.cidr)
    for number in range(int(IPv4Address(address)) + 1, int(network.broadcast_address)):
        found = str(IPv4Address(number))
        if found not in taken and not address_problem(found, network):
            return found
    raise OperationError(
        f"there is no free address after {address} in {network}",
        where=lab.name,
        cure="a network with more room, or addresses further down in it, is the blueprint's business",
    )
