"""`--set path=value`: changes a resolved value by its path.

`os=debian-12`, `box=…`, `versions.COMPONENT=3.0.4`, `network.cidr=10.77.5.0/24`, `nodes.NODE.memory=512`,
`COMPONENT.PARAMETER=value` for all nodes that carry it, and `nodes.NODE.COMPONENT.PARAMETER=value` for one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import yaml

from labgen.blueprint.model import CPUS, MEMORY, Blueprint
from labgen.blueprint.rules import network_fault
from labgen.components.manifest import OsName
from labgen.components.registry import Component
from labgen.documents import CoreLoader
from labgen.errors import UnknownNameError, UsageError
from labgen.wording import must_be, shortened

MACHINE_VALUES = {"memory": MEMORY, "cpus": CPUS}


@dataclass
class Overrides:
    """What the `--set` words ask for, sorted by what they reach."""

    os: str | None = None
    box: str | None = None
    network: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machines: dict[str, dict[str, int]] = field(default_factory=dict)
    everywhere: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_node: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


def parse_overrides(words: Sequence[str], blueprint: Blueprint, components: Mapping[str, Component]) -> Overrides:
    """Sort and check WORDS; raises UsageError naming the word that does not fit."""
    overrides = Overrides()
    for word in words:
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise UsageError(
                f"'{shortened(word)}' is not path=value", where="--set", cure="for example --set patroni.ttl=60"
            )
        try:
            value = yaml.load(text, CoreLoader)  # noqa: S506 - CoreLoader is a SafeLoader
        except (yaml.YAMLError, ValueError, RecursionError):
            raise UsageError("the value cannot be read as YAML", where=f"--set {shortened(word)}") from None
        _apply(overrides, path.split("."), value, text, f"--set {shortened(word)}", blueprint, components)
    return overrides


def _apply(  # noqa: PLR0912 - one branch for each kind of path
    overrides: Overrides,
    path: list[str],
    value: Any,
    text: str,
    where: str,
    blueprint: Blueprint,
    components: Mapping[str, Component],
) -> None:
    """VALUE is TEXT read as YAML."""
    match path:
        case ["os"]:
            if value not in get_args(OsName):
                raise UnknownNameError("operating system", text, get_args(OsName), where=where)
            overrides.os = value
        case ["box"]:
            if not text:
                raise UsageError("box must not be empty", where=where)
            overrides.box = text
        case ["network", name]:
            overrides.network = _network(name, text, where)
        case ["versions", component]:
            if component not in components:
                raise UnknownNameError("component in this lab", component, components, where=where)
            # `3.10` is a number for YAML, another one than it is here.
            overrides.versions[component] = value if isinstance(value, str) else text
        case ["nodes", node, name] if name in MACHINE_VALUES:
            _known_node(node, blueprint, where)
            least, most = MACHINE_VALUES[name]
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise UsageError(f"{name} {must_be(f'a whole number from {least} to {most}', value)}", where=where)
            overrides.machines.setdefault(node, {})[name] = value
        case ["nodes", node, name]:
            _known_node(node, blueprint, where)
            raise UnknownNameError("value of a node", name, MACHINE_VALUES, where=where)
        case ["nodes", node, component, parameter]:
            carried = {n.name: n.components for n in blueprint.nodes}[_known_node(node, blueprint, where)]
            here = {name: components[name] for name in carried}
            checked = _checked(component, parameter, value, text, where, here, on=f"on {node}")
            overrides.by_node.setdefault(node, {}).setdefault(component, {})[parameter] = checked
        case [component, parameter] if component != "nodes":
            checked = _checked(component, parameter, value, text, where, components, on="in this lab")
            overrides.everywhere.setdefault(component, {})[parameter] = checked
        case _:
            machine = [f"nodes.NODE.{name}" for name in MACHINE_VALUES]
            known = ["os", "box", "versions.COMPONENT", "network.cidr", *machine, "COMPONENT.PARAMETER"]
            raise UnknownNameError("value", ".".join(path), known, where=where)


def _network(name: str, text: str, where: str) -> str:
    if name != "cidr":
        raise UnknownNameError("value of the network", name, ["cidr"], where=where)
    if fault := network_fault(shortened(text)):
        raise UsageError(fault, where=where)
    return text


def _known_node(name: str, blueprint: Blueprint, where: str) -> str:
    names = [node.name for node in blueprint.nodes]
    if name not in names:
        raise UnknownNameError("node", name, names, where=where)
    return name


def _checked(
    component: str, parameter: str, value: Any, text: str, where: str, components: Mapping[str, Component], *, on: str
) -> Any:
    """The value that the parameter gets; a number or nothing for one that is a string is meant as it was typed."""
    if component not in components:
        raise UnknownNameError(f"component {on}", component, components, where=where)
    parameters = components[component].manifest.parameters
    if parameter not in parameters:
        raise UnknownNameError(f"parameter of {component}", parameter, parameters, where=where)
    about = parameters[parameter]
    if about.type == "string" and (value is None or isinstance(value, (bool, int, float))):
        value = text
    if fault := about.fault(value):
        raise UsageError(f"{component}.{parameter} {fault}", where=where)
    return value
