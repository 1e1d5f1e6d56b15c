"""Cross-checks of a blueprint: what one value means for another. Each rule yields Problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from labgen.blueprint.addresses import address_problem, network_problem
from labgen.blueprint.drills import Drill
from labgen.blueprint.model import Blueprint, NodeSpec, Settings
from labgen.components.registry import Component
from labgen.documents import Loc, Problem, Source
from labgen.errors import meant
from labgen.plugins import CHECKS, COMPONENTS, FAULTS, PROVIDERS, lost, plugin_names


def cross_checks(
    blueprint: Blueprint,
    source: Source,
    components: Mapping[str, Component],
    known_components: Iterable[str],
    plain: Mapping[str, Any],
) -> Iterator[Problem]:
    """Every problem that shows only when values are looked at together.

    components: the manifests of the components in use. known_components: all names there are.
    plain: the document as it was written, so that a faulty node still counts as one that exists.
    """
    network, network_problems = _network(blueprint, source)
    yield from network_problems
    yield from _nodes(source, network, plain)
    positions = _positions(blueprint, plain)
    yield from _components(blueprint, source, components, sorted(known_components), positions)
    yield from _settings(blueprint, source, components, network, positions)
    yield from _paths(blueprint, source, network, plain)
    known_checks = plugin_names(CHECKS)
    for index, name in enumerate(blueprint.checks):
        if name not in known_checks:
            yield source.problem(("checks", index), f"there is no check '{name}'; {meant(name, known_checks)}")
    yield from _profiles(blueprint, source, components)
    yield from drill_problems(blueprint.drills, [path.name for path in blueprint.paths], source)


def _network(blueprint: Blueprint, source: Source) -> tuple[IPv4Network | None, list[Problem]]:
    loc: Loc = ("network", "cidr")
    text = blueprint.network.cidr
    if not text and loc not in source.places:
        return None, []
    if problem := network_problem(text):
        return None, [source.problem(loc, problem)]
    return IPv4Network(text), []


def _nodes(source: Source, network: IPv4Network | None, plain: Mapping[str, Any]) -> Iterator[Problem]:
    names: dict[str, int] = {}
    addresses: dict[str, str] = {}
    for index, node in _written_nodes(plain):
        name, address = node.get("name"), node.get("address")
        if isinstance(name, str):
            if name in names:
                yield source.problem(("nodes", index, "name"), f"'{name}' is already the name of nodes[{names[name]}]")
            names.setdefault(name, index)
            if set(name) <= set("0123456789abcdef"):
                # Vagrant looks a word up in its index of all machines first, as the beginning of an id.
                yield source.problem(
                    ("nodes", index, "name"),
                    f"'{name}' could be taken for a machine's id, digits and a to f: use another letter too",
                )
        if isinstance(address, str):
            loc: Loc = ("nodes", index, "address")
            if problem := address_problem(address, network):
                yield source.problem(loc, problem)
            elif address in addresses:
                yield source.problem(loc, f"{address} is already the address of {addresses[address]}")
            addresses.setdefault(address, name if isinstance(name, str) else f"nodes[{index}]")


def _written_nodes(plain: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The nodes as they stand in the file, faulty ones too, with their index."""
    nodes = plain.get("nodes")
    for index, node in enumerate(nodes if isinstance(nodes, tuple) else ()):
        if isinstance(node, Mapping):
            yield index, node


def _components(
    blueprint: Blueprint,
    source: Source,
    components: Mapping[str, Component],
    known: list[str],
    positions: list[int],
) -> Iterator[Problem]:
    for at, node in zip(positions, blueprint.nodes, strict=True):
        for position, name in enumerate(node.components):
            loc: Loc = ("nodes", at, "components", position)
            if name not in known:
                yield source.problem(loc, f"there is no component '{name}'; {meant(name, known)}{lost(COMPONENTS)}")
                continue
            if node.components.index(name) != position:
                yield source.problem(loc, f"'{name}' stands here twice")
            for required in components[name].manifest.requires:
                if required not in node.components:
                    yield source.problem(loc, f"'{name}' needs '{required}' on the same node; add it to {node.name}")
    for cycle in requirement_cycles(components):
        circle = " → ".join(cycle)
        yield source.problem(("nodes",), f"components need each other in a circle: {circle} (see their component.yml)")


def _positions(blueprint: Blueprint, plain: Mapping[str, Any]) -> list[int]:
    """Where each node of the model stands in the file: faulty nodes were left out of the model."""
    written = _written_nodes(plain)
    return [next(index for index, node in written if node.get("name") == kept.name) for kept in blueprint.nodes]


def requirement_cycles(components: Mapping[str, Component]) -> Iterator[list[str]]:
    """Each circle among `requires` and same-node `start.needs`, once, as a path that ends where it began."""
    edges = {
        name: sorted(
            {*component.manifest.requires, *(n.component for n in component.manifest.start.needs if n.on == "node")}
            & set(components)
        )
        for name, component in components.items()
    }
    finished: set[str] = set()

    def walk(name: str, path: list[str]) -> Iterator[list[str]]:
        if name in path:
            yield [*path[path.index(name) :], name]
        elif name not in finished:
            for other in edges[name]:
                yield from walk(other, [*path, name])
            finished.add(name)

    for name in sorted(edges):
        yield from walk(name, [])


def _settings(
    blueprint: Blueprint,
    source: Source,
    components: Mapping[str, Component],
    network: IPv4Network | None,
    positions: list[int],
) -> Iterator[Problem]:
    used = {name for node in blueprint.nodes for name in node.components}
    taken = {node.address: node.name for node in blueprint.nodes}

    def check(settings: Settings, loc: Loc, allowed: set[str], begins: str) -> Iterator[Problem]:
        for component, values in settings.items():
            here = (*loc, component)
            if component not in allowed:
                yield source.problem(here, f"{begins} '{component}'; {meant(component, allowed)}")
                continue
            if component not in components:
                continue  # an unknown component has been reported where it is used
            parameters = components[component].manifest.parameters
            for name, value in values.items():
                if name not in parameters:
                    yield source.problem(
                        (*here, name), f"'{component}' has no parameter '{name}'; {meant(name, parameters)}"
                    )
                elif problem := parameters[name].problem(value):
                    yield source.problem((*here, name), problem)
                elif parameters[name].type == "address":
                    if problem := address_problem(value, network):
                        yield source.problem((*here, name), problem)
                    elif value in taken:
                        yield source.problem((*here, name), f"{value} is already the address of {taken[value]}")

    yield from check(blueprint.settings, ("settings",), used, "no node carries")
    for name, profile in blueprint.profiles.items():
        yield from check(profile.settings, ("profiles", name, "settings"), used, "no node carries")
        yield from check(profile.emulated, ("profiles", name, "emulated"), used, "no node carries")
    for at, node in zip(positions, blueprint.nodes, strict=True):
        yield from check(
            node.settings, ("nodes", at, "settings"), set(node.components), f"node {node.name} does not carry"
        )
        yield from _values_not_given(blueprint, node, ("nodes", at), source, components)


def _values_not_given(
    blueprint: Blueprint, node: NodeSpec, loc: Loc, source: Source, components: Mapping[str, Component]
) -> Iterator[Problem]:
    for name in node.components:
        if name not in components:
            continue
        for parameter, about in components[name].manifest.parameters.items():
            everywhere = [node.settings, blueprint.settings]
            given = any(parameter in settings.get(name, {}) for settings in everywhere) or all(
                parameter in profile.settings.get(name, {}) for profile in blueprint.profiles.values()
            )
            if about.default is None and not given:
                yield source.problem(
                    loc, f"'{name}' on {node.name} needs a value: settings.{name}.{parameter} ({about.doc})"
                )


def _paths(
    blueprint: Blueprint, source: Source, network: IPv4Network | None, plain: Mapping[str, Any]
) -> Iterator[Problem]:
    given = [node.get("name") for _, node in _written_nodes(plain)]
    names = {name for name in given if isinstance(name, str)}
    all_named = len(given) == sum(isinstance(name, str) for name in given)
    for index, path in enumerate(blueprint.paths):
        looks_like_address = path.host.replace(".", "").isdigit()
        if looks_like_address:
            if problem := address_problem(path.host, network):
                yield source.problem(("paths", index, "host"), problem)
        elif path.host not in names and all_named:  # else it may be the one that has no name
            yield source.problem(("paths", index, "host"), f"there is no node '{path.host}'; {meant(path.host, names)}")
    seen: dict[str, int] = {}
    for index, path in enumerate(blueprint.paths):
        if path.name in seen:
            yield source.problem(
                ("paths", index, "name"), f"'{path.name}' is already the name of paths[{seen[path.name]}]"
            )
        seen.setdefault(path.name, index)


LIBPQ = "libpq"
"""The path that every lab has, beside those of its blueprint."""


def drill_problems(
    drills: Sequence[Drill], paths: Iterable[str], source: Source, loc: Loc = ("drills",)
) -> Iterator[Problem]:
    """What is wrong with the names in DRILLS, which stand at LOC; a drill in a file of its own has an empty LOC."""
    known_faults, known_paths = plugin_names(FAULTS), {LIBPQ, *paths}
    seen: dict[str, int] = {}
    for index, drill in enumerate(drills):
        here = (*loc, index) if loc else ()
        if drill.name in seen:
            yield source.problem((*here, "name"), f"'{drill.name}' is already the name of drills[{seen[drill.name]}]")
        seen.setdefault(drill.name, index)
        for at, step in enumerate(drill.faults):
            if step.fault not in known_faults:
                what = f"there is no fault '{step.fault}'; {meant(step.fault, known_faults)}"
                yield source.problem((*here, "faults", at, "fault"), what)
        for name in drill.expect.paths:
            if name not in known_paths:
                yield source.problem(
                    (*here, "expect", "paths", name), f"there is no path '{name}'; {meant(name, known_paths)}"
                )
        for at, name in enumerate(drill.expect.recovered_before_heal or ()):
            if name not in known_paths:
                yield source.problem(
                    (*here, "expect", "held", at), f"there is no path '{name}'; {meant(name, known_paths)}"
                )


def _profiles(blueprint: Blueprint, source: Source, components: Mapping[str, Component]) -> Iterator[Problem]:
    used = {name for node in blueprint.nodes for name in node.components}
    known_providers = plugin_names(PROVIDERS)
    defaults = [name for name, profile in blueprint.profiles.items() if profile.default]
    for name in defaults[1:]:
        yield source.problem(("profiles", name, "default"), f"the default is already '{defaults[0]}'")
    for name, profile in blueprint.profiles.items():
        for provider in profile.box:
            if provider not in known_providers:
                yield source.problem(
                    ("profiles", name, "box", provider),
                    f"there is no provider '{provider}'; {meant(provider, known_providers)}",
                )
        for component, version in profile.versions.items():
            loc: Loc = ("profiles", name, "versions", component)
            if component not in used:
                yield source.problem(loc, f"no node carries '{component}'; {meant(component, used)}")
            elif component in components and (problem := components[component].version_problem(version, profile.os)):
                yield source.problem(loc, problem)
