"""Checks assignments against a blueprint, and sorts them by what they reach."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labgen.blueprint.addresses import network_problem
from labgen.components.manifest import TYPES
from labgen.components.registry import Component
from labgen.errors import UnknownNameError, UsageError
from labgen.overrides.additions import Additions
from labgen.overrides.assignment import MACHINE_VALUES, Assignment, Path, leaves
from labgen.overrides.formats import FORMATS
from labgen.overrides.model import CONTAINED, PACKAGE, Tree
from labgen.overrides.result import MapChange, joined
from labgen.systems import systems
from labgen.wording import must_be, shortened


class Applier(Additions):
    """Checks assignments against a blueprint and puts them into overrides; raises UsageError for what does not fit."""

    def __call__(self, given: Assignment) -> None:
        self._into.origins[given.path] = given.origin
        about_all = {
            "os": self._os,
            "box": self._box,
            "network": self._network,
            "versions": self._version,
            "packages": self._packages,
            "secrets": self._secret,
            "config": self._config,
            "nodes": self._node,
        }
        first, *rest = given.path
        about_all.get(first, self._everywhere)(rest, given)

    # Each takes what its kind of path goes on with, behind its first word.

    def _os(self, rest: Sequence[str], given: Assignment) -> None:
        if rest:
            raise _no_value(given)
        if str(given.value) not in systems():
            raise UnknownNameError("operating system", given.shown, systems(), where=given.origin)
        self._into.os = given.value

    def _box(self, rest: Sequence[str], given: Assignment) -> None:
        if rest:
            raise _no_value(given)
        if not given.shown:
            raise UsageError("box must not be empty", where=given.origin)
        self._into.box = given.shown

    def _network(self, rest: Sequence[str], given: Assignment) -> None:
        if len(rest) != 1:
            raise _no_value(given)
        self._into.network = _network(rest[0], given.shown, given.origin)

    def _version(self, rest: Sequence[str], given: Assignment) -> None:
        if len(rest) != 1:
            raise _no_value(given)
        _known_component(rest[0], self._components, given)
        self._into.versions[rest[0]] = _version(given)

    def _config(self, rest: Sequence[str], given: Assignment) -> None:
        if len(rest) < 2:
            raise _no_value(given)
        component, *keys = rest
        self._configure(self._into.config, component, tuple(keys), given, self._components, on="in this lab")

    def _node(self, rest: Sequence[str], given: Assignment) -> None:
        if len(rest) < 2 or (rest[1] == "config" and len(rest) == 3):
            raise _no_value(given)
        node, what, *more = rest
        self._known_node(node, given.origin)
        if what == "config" and more:
            trees = self._into.config_by_node.setdefault(node, {})
            self._configure(trees, more[0], tuple(more[1:]), given, self._here(node), on=f"on {node}")
        elif not more:
            self._machine(node, what, given)
        else:
            settings = self._into.by_node.setdefault(node, {}).setdefault(what, {})
            self._parameter(settings, what, more[0], more[1:], given, self._here(node), on=f"on {node}")

    def _machine(self, node: str, what: str, given: Assignment) -> None:
        """The memory or the processors of one node."""
        if what not in MACHINE_VALUES:
            raise UnknownNameError("value of a node", what, MACHINE_VALUES, where=given.origin)
        value, (least, most) = given.value, MACHINE_VALUES[what]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            must = must_be(f"a whole number from {least} to {most}", value)
            raise UsageError(f"{what} {must}", where=given.origin)
        self._into.machines.setdefault(node, {})[what] = value

    def _everywhere(self, rest: Sequence[str], given: Assignment) -> None:
        """A parameter of a component, on all nodes that carry it."""
        component = given.path[0]
        if component not in self._components:
            able = [
                f"{name}.{component}" for name, it in self._components.items() if component in it.manifest.parameters
            ]
            if able and not rest:
                cure = f"did you mean {' or '.join(map(repr, able))}?"
                raise UsageError(f"no value is called '{component}'", where=given.origin, cure=cure)
            raise UnknownNameError("component in this lab", component, [*self._components, *HEADS], where=given.origin)
        if not rest:
            raise _no_value(given)
        settings = self._into.everywhere.setdefault(component, {})
        self._parameter(settings, component, rest[0], rest[1:], given, self._components, on="in this lab")

    def _here(self, node: str) -> dict[str, Component]:
        return {name: self._components[name] for name in self._carried.get(node, ())}

    def _parameter(
        self,
        settings: dict[str, Any],
        component: str,
        parameter: str,
        key: Sequence[str],
        given: Assignment,
        components: Mapping[str, Component],
        *,
        on: str,
    ) -> None:
        """The value of a parameter, or of one KEY of it where it is a map, whose others stay as they are."""
        parameters = _known_component(component, components, given, on).manifest.parameters
        if parameter not in parameters:
            raise UnknownNameError(f"parameter of {component}", parameter, parameters, where=given.origin)
        about, value = parameters[parameter], given.value
        if key:
            if about.type != "map":
                raise UsageError(
                    f"{component}.{parameter} has no keys: it is {TYPES[about.type][1]}", where=given.origin
                )
            tree: Any = value
            for part in reversed(key):
                tree = {part: tree}
            settings[parameter] = MapChange(joined(settings.get(parameter, {}), tree))
            return
        typed = given.text is not None and (value is None or isinstance(value, (bool, int, float)))
        if about.type == "string" and typed:
            # A number or nothing for a parameter that is a string is meant as it was typed.
            value = given.text
        if problem := about.problem(value):
            raise UsageError(f"{component}.{parameter} {problem}", where=given.origin)
        settings[parameter] = value

    def _configure(
        self,
        trees: dict[str, Tree],
        component: str,
        keys: Path,
        given: Assignment,
        components: Mapping[str, Component],
        *,
        on: str,
    ) -> None:
        """Keys of a component's configuration file."""
        config = _known_component(component, components, given, on).manifest.config
        if config is None:
            able = [name for name, other in components.items() if other.manifest.config]
            raise UsageError(
                f"{component} has no configuration file that is changed key by key",
                where=given.origin,
                cure=f"these have: {', '.join(sorted(able))}" if able else None,
            )
        form = FORMATS[config.format]
        spelled = (one for more, value in leaves(given.value) for one in form.spelled((*keys, *more), value))
        for path, value in spelled:
            if kept := config.kept_by(path):
                raise UsageError(f"{kept[0]} of {component} is not changed here: {kept[1]}", where=given.origin)
            if value is not None and (problem := form.problem(path, value)):
                example = form.example(path)
                cure = f"for example config.{component}.{example}" if example else None
                raise UsageError(f"{config.file.rpartition('/')[2]} {problem}", where=given.origin, cure=cure)
            self._into.origins[*given.path[: len(given.path) - len(keys)], *path] = given.origin
            tree: Any = value
            for part in reversed(path):
                tree = {part: tree}
            trees[component] = joined(trees.get(component, {}), tree)

    def _packages(self, rest: Sequence[str], given: Assignment) -> None:
        if rest:
            raise _no_value(given)
        names = given.value if isinstance(given.value, (list, tuple)) else [given.value]
        for name in names:
            if not isinstance(name, str) or not re.fullmatch(PACKAGE, name):
                raise UsageError(
                    f"packages {must_be('names of Debian packages, or NAME=VERSION', name)}",
                    where=given.origin,
                    cure="for example --set packages=[strace]",
                )
            package, _, version = name.partition("=")
            self._into.packages[package] = version or self._into.packages.get(package, "")

    def _secret(self, rest: Sequence[str], given: Assignment) -> None:
        if len(rest) < 2:
            raise _no_value(given)
        component, name, *more = rest
        secrets = _known_component(component, self._components, given).manifest.secrets
        if name not in secrets:
            raise UnknownNameError(f"secret of {component}", name, secrets, where=given.origin)
        if more != ["containing"]:
            raise UsageError(
                "a secret is random, and its value is never given",
                where=given.origin.partition("=")[0],
                cure=f"say what has to be in it: secrets.{component}.{name}.containing=%",
            )
        text = given.shown
        if secrets[name].kind != "password":
            raise UsageError(f"{component}.{name} is a key in base64, which holds what it holds", where=given.origin)
        if not re.fullmatch(CONTAINED, text):
            raise UsageError("containing takes 1 to 20 plain characters without spaces", where=given.origin)
        self._into.secrets.setdefault(component, {})[name] = text


def _known_component(
    name: str, components: Mapping[str, Component], given: Assignment, on: str = "in this lab"
) -> Component:
    if name not in components:
        raise UnknownNameError(f"component {on}", name, components, where=given.origin)
    return components[name]


def _no_value(given: Assignment) -> UnknownNameError:
    return UnknownNameError("value", ".".join(given.path), KNOWN, where=given.origin)


def _version(given: Assignment) -> str:
    """A version as it was typed: `3.10` is a number for YAML, another one than it is here."""
    if isinstance(given.value, str):
        return given.value
    if given.text is None:
        raise UsageError(f"a version {must_be('a string', given.value)}", where=given.origin)
    return given.text


def _network(name: str, text: str, where: str) -> str:
    if name != "cidr":
        raise UnknownNameError("value of the network", name, ["cidr"], where=where)
    if problem := network_problem(shortened(text)):
        raise UsageError(problem, where=where)
    return text


KNOWN = (
    "os",
    "box",
    "versions.COMPONENT",
    "network.cidr",
    *(f"nodes.NODE.{name}" for name in MACHINE_VALUES),
    "COMPONENT.PARAMETER",
    "config.COMPONENT.KEY",
    "packages",
    "secrets.COMPONENT.SECRET.containing",
)
"""The paths that there are."""

HEADS = tuple(sorted({path.partition(".")[0] for path in KNOWN} - {"COMPONENT"}))
