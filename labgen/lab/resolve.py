"""Blueprint + profile + overrides → Lab: every parameter of every component on every node gets its value.

A value comes from, the later over the earlier: the manifest's default, the blueprint's `settings`, the profile's (then
its `emulated`, where that is so), the node's, `--set COMPONENT.PARAMETER`, `--set nodes.NODE.COMPONENT.PARAMETER`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from jinja2 import TemplateError

from labgen.blueprint.loader import LoadedBlueprint
from labgen.blueprint.model import NodeSpec, Settings
from labgen.blueprint.rebase import inside, move, rebase
from labgen.blueprint.rules import address_fault
from labgen.components.registry import MANIFEST
from labgen.documents import shown
from labgen.errors import BlueprintError, UnknownNameError, UsageError
from labgen.lab.expressions import Expressions, reason
from labgen.lab.model import Lab, LabNetwork, Node, Weakness, on_nodes
from labgen.lab.overrides import Overrides, parse_overrides
from labgen.lab.versions import in_versions, lab_versions
from labgen.wording import Loc, shortened


def resolve(
    loaded: LoadedBlueprint,
    *,
    provider: str,
    profile: str | None = None,
    name: str | None = None,
    overrides: Sequence[str] = (),
    emulated: bool = False,
    network: str | None = None,
) -> Lab:
    """The lab that LOADED makes; raises UnknownNameError, UsageError, or BlueprintError where a rule does not hold.

    network: the lab's range where it is not the blueprint's own; `--set network.cidr` goes over it.
    """
    wanted = parse_overrides(overrides, loaded.blueprint, loaded.components)
    own = IPv4Network(loaded.blueprint.network.cidr)
    actual = IPv4Network(wanted.network or network or own)
    asked = f"--set network.cidr={actual}" if wanted.network else None
    blueprint = rebase(loaded.blueprint, loaded.components, actual, asked)
    _move_overridden_addresses(wanted, loaded, own, actual)
    profile_name = profile or blueprint.default_profile
    if profile_name not in blueprint.profiles:
        raise UnknownNameError("profile", profile_name, blueprint.profiles, where=str(loaded.path))
    chosen = blueprint.profiles[profile_name]
    os = wanted.os or chosen.os
    # The profile's box holds the profile's own operating system.
    box = wanted.box or (chosen.box.get(provider) if os == chosen.os else None)
    shared = [blueprint.settings, chosen.settings, chosen.emulated if emulated else {}]
    components = in_versions(loaded.components, {**chosen.versions, **wanted.versions}, os)
    lab = Lab(
        name=name or blueprint.name,
        blueprint=blueprint,
        profile=profile_name,
        provider=provider,
        os=os,
        box=box,
        network=LabNetwork(str(actual), actual.prefixlen, str(own) if own != actual else None),
        nodes=tuple(_node(spec, loaded, shared, wanted) for spec in blueprint.nodes),
        components=components,
        versions=lab_versions(components, os),
        overrides=tuple(overrides),
    )
    _check_overridden_addresses(lab, wanted, actual)
    return replace(lab, weaknesses=_check_rules(lab, loaded, wanted))


def _node(spec: NodeSpec, loaded: LoadedBlueprint, shared: list[Settings], wanted: Overrides) -> Node:
    layers = [*shared, spec.settings, wanted.everywhere, wanted.by_node.get(spec.name, {})]
    settings: dict[str, dict[str, Any]] = {}
    for component in spec.components:
        values = {name: about.default for name, about in loaded.components[component].manifest.parameters.items()}
        for layer in layers:
            values |= layer.get(component, {})
        settings[component] = values
    machine = {"memory": spec.memory, "cpus": spec.cpus, **wanted.machines.get(spec.name, {})}
    return Node(spec.name, spec.address, spec.components, machine["memory"], machine["cpus"], settings)


def _move_overridden_addresses(
    wanted: Overrides, loaded: LoadedBlueprint, own: IPv4Network, actual: IPv4Network
) -> None:
    """Addresses given as the blueprint's network has them go along: nobody knows beforehand that a lab is moved."""
    for settings in (wanted.everywhere, *wanted.by_node.values()):
        for component, values in settings.items():
            parameters = loaded.components[component].manifest.parameters
            for name, value in values.items():
                if parameters[name].type == "address" and inside(value, own) and not inside(value, actual):
                    values[name] = move(value, own, actual)


def _check_overridden_addresses(lab: Lab, wanted: Overrides, network: IPv4Network) -> None:
    taken = {node.address: node.name for node in lab.nodes}
    for prefix, settings in [("", wanted.everywhere), *((f"nodes.{n}.", by) for n, by in wanted.by_node.items())]:
        for component, values in settings.items():
            parameters = lab.components[component].manifest.parameters
            for name, value in values.items():
                if parameters[name].type != "address":
                    continue
                fault = address_fault(value, network)
                if not fault and value in taken:
                    fault = f"{value} is the address of {taken[value]}"
                if fault:
                    raise UsageError(fault, where=f"--set {prefix}{component}.{name}={shortened(value)}")


def _check_rules(lab: Lab, loaded: LoadedBlueprint, wanted: Overrides) -> tuple[Weakness, ...]:
    """Every manifest's rules, where they apply; a message is given once for each place.

    Returns what the rules of level `warning` say.
    """
    broken: dict[tuple[Loc, str, str], list[str]] = {}
    weak: dict[tuple[Loc, str, str], list[str]] = {}
    changed = {*wanted.everywhere, *wanted.versions, *(name for by in wanted.by_node.values() for name in by)}
    blame_words = False
    expressions = Expressions(lab)
    for index, node in enumerate(lab.nodes):
        for name in node.components:
            for rule in lab.components[name].manifest.rules:
                if rule.scope == "lab" and node is not lab.nodes_with(name)[0]:
                    continue
                try:
                    if expressions.holds(rule.holds, node, name):
                        continue
                    text = expressions.text(rule.message, node, name)
                except TemplateError as error:
                    raise UsageError(
                        f"the rule '{rule.holds}' of {name} cannot be worked out on {node.name}: {reason(error)}",
                        where=shown(lab.components[name].folder / MANIFEST),
                    ) from None
                of_lab = rule.scope == "lab"
                place = ("nodes", index) if of_lab else _place(loaded, lab.profile, index, name)
                nodes = (weak if rule.level == "warning" else broken).setdefault((place, name, text), [])
                nodes += [] if of_lab else [node.name]
                blame_words |= rule.level == "error" and name in changed
    if blame_words:
        lines = [f"{name}: {text}{on_nodes(nodes)}" for (_, name, text), nodes in broken.items()]
        raise UsageError("values break a rule", where=f"--set {' --set '.join(lab.overrides)}", detail=lines)
    if broken:
        faults = [
            loaded.source.fault(place, f"{'' if name in place else f'{name}: '}{text}{on_nodes(nodes)}")
            for (place, name, text), nodes in broken.items()
        ]
        raise BlueprintError(loaded.source.sort(faults))
    return tuple(
        Weakness(name, text, tuple(nodes), loaded.source.position(place)) for (place, name, text), nodes in weak.items()
    )


def _place(loaded: LoadedBlueprint, profile: str, index: int, component: str) -> Loc:
    """Where the blueprint says something about COMPONENT on a node: the settings that count most, else the node."""
    places: list[Loc] = [
        ("nodes", index, "settings", component),
        ("profiles", profile, "settings", component),
        ("settings", component),
        ("profiles", profile, "versions", component),
    ]
    return next((place for place in places if place in loaded.source.places), ("nodes", index))
