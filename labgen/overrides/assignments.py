"""What is to be different from the blueprint: `--set path=value`, and overrides documents (`-f FILE`).

`os=debian-12`, `box=…`, `versions.COMPONENT=3.0.4`, `network.cidr=10.77.5.0/24`, `nodes.NODE.memory=512`,
`COMPONENT.PARAMETER=value` for all nodes that carry it, and `nodes.NODE.COMPONENT.PARAMETER=value` for one of them; a
key of a parameter that is a map by `COMPONENT.PARAMETER.KEY=value`. `config.COMPONENT.KEY…=value` and
`nodes.NODE.config.COMPONENT.KEY…=value`: any key of a component's configuration file. `packages=[strace]`.

A document says the same, and is taken apart into the same assignments; what is later goes over what was before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import yaml

from labgen.blueprint.model import CPUS, MEMORY, Blueprint
from labgen.blueprint.rules import network_fault
from labgen.components.manifest import TYPES, OsName
from labgen.components.registry import Component
from labgen.documents import CoreLoader
from labgen.errors import BlueprintError, UnknownNameError, UsageError
from labgen.overrides.document import OverridesFile
from labgen.overrides.formats import FORMATS
from labgen.overrides.model import CONTAINED, PACKAGE, Tree, UserFile, UserStep
from labgen.wording import Loc, must_be, shortened

MACHINE_VALUES = {"memory": MEMORY, "cpus": CPUS}
Path = tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """One value. text: as typed, None where it comes from a document. origin: the word, or `file:line:column`."""

    path: Path
    value: Any
    text: str | None
    origin: str

    @property
    def shown(self) -> str:
        return str(self.value) if self.text is None else self.text


@dataclass(frozen=True)
class UserAddition:
    """A file or step of the user's: what was said of it, its text, and where."""

    about: UserFile | UserStep
    text: str
    origin: str


@dataclass
class Overrides:
    """What was asked for, sorted by what it reaches. origins: path of a value → where it was given."""

    os: str | None = None
    box: str | None = None
    network: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machines: dict[str, dict[str, int]] = field(default_factory=dict)
    everywhere: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_node: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    config: dict[str, Tree] = field(default_factory=dict)
    config_by_node: dict[str, dict[str, Tree]] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[tuple[str, tuple[str, ...]], UserAddition] = field(default_factory=dict)
    steps: dict[str, UserAddition] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)


def parse_overrides(
    words: Sequence[str],
    blueprint: Blueprint,
    components: Mapping[str, Component],
    files: Sequence[OverridesFile] = (),
) -> Overrides:
    """Sort and check FILES, then WORDS, which go over them.

    Raises UsageError naming the word that does not fit, BlueprintError with every fault of a file.
    """
    overrides = Overrides()
    apply = _Applier(overrides, blueprint, components)
    for file in files:
        faults = []
        for loc, assign in _of_document(file, apply):
            try:
                assign()
            except UsageError as why:
                faults.append(file.fault(loc, f"{why.what}; {why.cure}" if why.cure else why.what))
        if faults:
            raise BlueprintError(file.source.sort(faults), kind="overrides document")
    for word in words:
        apply(_of_word(word))
    return overrides


def _of_word(word: str) -> Assignment:
    path, equals, text = word.partition("=")
    if not equals or not path:
        raise UsageError(
            f"'{shortened(word)}' is not path=value", where="--set", cure="for example --set patroni.ttl=60"
        )
    origin = f"--set {shortened(word)}"
    keys = tuple(path.split("."))
    if keys[0] == "secrets":
        return Assignment(keys, text, text, origin)  # characters such as % mean something in YAML
    try:
        value = yaml.load(text, CoreLoader)  # noqa: S506 - CoreLoader is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UsageError("the value cannot be read as YAML", where=origin) from None
    return Assignment(keys, value, text, origin)


def _of_document(file: OverridesFile, apply: _Applier) -> Iterator[tuple[Loc, Callable[[], None]]]:
    """Everything that FILE says, each with its place and what puts it into the overrides."""
    document = file.document

    def one(loc: Loc, path: Path, value: Any) -> tuple[Loc, Callable[[], None]]:
        return loc, lambda: apply(Assignment(path, value, None, file.position(loc)))

    def values(loc: Loc, begin: Path, settings: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
        for component, given in settings.items():
            for name, value in given.items():
                inner = value.items() if isinstance(value, Mapping) and value else [(None, value)]
                for key, part in inner:
                    more = () if key is None else (str(key),)
                    yield one((*loc, component, name, *more), (*begin, component, name, *more), part)

    def keys(loc: Loc, begin: Path, config: Mapping[str, Tree]) -> Iterator[Any]:
        for component, tree in config.items():
            for path, value in leaves(tree):
                yield one((*loc, component, *path), (*begin, component, *path), value)

    for name in ("os", "box"):
        if (value := getattr(document, name)) is not None:
            yield one((name,), (name,), value)
    if document.network is not None:
        yield one(("network", "cidr"), ("network", "cidr"), document.network.cidr)
    for component, version in document.versions.items():
        yield one(("versions", component), ("versions", component), version)
    yield from values(("settings",), (), document.settings)
    yield from keys(("config",), ("config",), document.config)
    for node, about in document.nodes.items():
        for name in MACHINE_VALUES:
            if (value := getattr(about, name)) is not None:
                yield one(("nodes", node, name), ("nodes", node, name), value)
        yield from values(("nodes", node, "settings"), ("nodes", node), about.settings)
        yield from keys(("nodes", node, "config"), ("nodes", node, "config"), about.config)
    for at, package in enumerate(document.packages):
        yield one(("packages", at), ("packages",), (package,))
    for component, secrets in document.secrets.items():
        for name, secret in secrets.items():
            yield one(("secrets", component, name), ("secrets", component, name, "containing"), secret.containing)
    yield from _own(file, apply)


def _own(file: OverridesFile, apply: _Applier) -> Iterator[tuple[Loc, Callable[[], None]]]:
    """The files and steps of the user's, looked at one after the other."""
    paths: dict[tuple[str, tuple[str, ...]], int] = {}
    for at, about in enumerate(file.document.files):
        loc: Loc = ("files", at)
        text = about.content if about.source is None else file.texts[about.source]
        given = UserAddition(about, str(text), file.position(loc))
        before = paths.setdefault((about.path, about.nodes), at)
        yield (*loc, "path"), lambda given=given, at=at, before=before: apply.file(given, at, before)  # type: ignore[misc]
    names: dict[str, int] = {}
    for at, step in enumerate(file.document.steps):
        loc = ("steps", at)
        text = step.run if step.script is None else file.texts[step.script]
        given = UserAddition(step, str(text), file.position(loc))
        before = names.setdefault(step.name, at)
        yield loc, lambda given=given, at=at, before=before: apply.step(given, at, before)  # type: ignore[misc]


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Each value of a tree of mappings with its keys; an empty mapping is a value."""
    if isinstance(tree, Mapping) and (tree or not path):
        for key, value in tree.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, tree


class _Applier:
    """Checks assignments against a blueprint and puts them into overrides; raises UsageError for what does not fit."""

    def __init__(self, overrides: Overrides, blueprint: Blueprint, components: Mapping[str, Component]) -> None:
        self._into, self._components = overrides, components
        self._carried = {node.name: node.components for node in blueprint.nodes}

    def __call__(self, given: Assignment) -> None:  # noqa: PLR0912 - one branch for each kind of path
        into, where, value = self._into, given.origin, given.value
        self._into.origins[given.path] = where
        match given.path:
            case ["os"]:
                if value not in get_args(OsName):
                    raise UnknownNameError("operating system", given.shown, get_args(OsName), where=where)
                into.os = value
            case ["box"]:
                if not given.shown:
                    raise UsageError("box must not be empty", where=where)
                into.box = given.shown
            case ["network", name]:
                into.network = _network(name, given.shown, where)
            case ["versions", component]:
                if component not in self._components:
                    raise UnknownNameError("component in this lab", component, self._components, where=where)
                into.versions[component] = _version(given)
            case ["packages"]:
                self._packages(given)
            case ["secrets", component, name, *rest]:
                self._secret(component, name, rest, given)
            case ["config", component, *keys] if keys:
                self._configure(into.config, component, tuple(keys), given, self._components, on="in this lab")
            case ["nodes", node, "config", component, *keys] if keys:
                trees = into.config_by_node.setdefault(self._known_node(node, where), {})
                self._configure(trees, component, tuple(keys), given, self._here(node), on=f"on {node}")
            case ["nodes", node, name] if name in MACHINE_VALUES:
                self._known_node(node, where)
                least, most = MACHINE_VALUES[name]
                if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                    raise UsageError(f"{name} {must_be(f'a whole number from {least} to {most}', value)}", where=where)
                into.machines.setdefault(node, {})[name] = value
            case ["nodes", node, name]:
                self._known_node(node, where)
                raise UnknownNameError("value of a node", name, MACHINE_VALUES, where=where)
            case ["nodes", node, component, parameter, *key]:
                here = self._here(self._known_node(node, where))
                settings = into.by_node.setdefault(node, {}).setdefault(component, {})
                self._parameter(settings, component, parameter, key, given, here, on=f"on {node}")
            case [component, parameter, *key] if component not in ("nodes", "config", "versions", "network"):
                settings = into.everywhere.setdefault(component, {})
                self._parameter(settings, component, parameter, key, given, self._components, on="in this lab")
            case _:
                raise UnknownNameError("value", ".".join(given.path), KNOWN, where=where)

    def file(self, given: UserAddition, at: int, before: int) -> None:
        about = given.about
        assert isinstance(about, UserFile)  # noqa: S101 - the caller's
        if before != at:
            raise UsageError(f"{about.path} is already the path of files[{before}]", where=given.origin)
        for node in about.nodes:
            self._known_node(node, given.origin)
        if about.path.startswith("/opt/labgen/"):
            raise UsageError("/opt/labgen is labgen's own", where=given.origin, cure="put the file elsewhere")
        for node, components in self._carried.items():
            if about.nodes and node not in about.nodes:
                continue
            for name in components:
                manifest = self._components[name].manifest
                if any(file.path == about.path for file in manifest.files):
                    of_config = manifest.config is not None and manifest.config.file == about.path
                    raise UsageError(
                        f"{name} writes {about.path} itself, on {node}, and would overwrite it",
                        where=given.origin,
                        cure=f"change its keys: config.{name}" if of_config else f"see the parameters of {name}",
                    )
        self._into.files[about.path, about.nodes] = given
        self._into.origins["files", about.path] = given.origin

    def step(self, given: UserAddition, at: int, before: int) -> None:
        about = given.about
        assert isinstance(about, UserStep)  # noqa: S101 - the caller's
        if before != at:
            raise UsageError(f"'{about.name}' is already the name of steps[{before}]", where=given.origin)
        component, _, stage = str(about.before or about.after).rpartition("/")
        if about.before and stage == "install":
            raise UsageError(
                "images hold what the install stage makes, and steps of one's own run on the nodes only",
                where=given.origin,
                cure=f"after: {about.before}, or before: {'' if not component else component + '/'}configure",
            )
        for node in about.nodes:
            self._known_node(node, given.origin)
        if component:
            if component not in self._components:
                raise UnknownNameError("component in this lab", component, self._components, where=given.origin)
            stages = self._components[component].stages
            if stage not in stages:
                raise UnknownNameError(f"stage of {component}", stage, stages, where=given.origin)
            for node in about.nodes:
                if component not in self._carried[node]:
                    raise UnknownNameError(f"component on {node}", component, self._carried[node], where=given.origin)
        self._into.steps[about.name] = given
        self._into.origins["steps", about.name] = given.origin

    def _here(self, node: str) -> dict[str, Component]:
        return {name: self._components[name] for name in self._carried.get(node, ())}

    def _known_node(self, name: str, where: str) -> str:
        if name not in self._carried:
            raise UnknownNameError("node", name, self._carried, where=where)
        return name

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
        if component not in components:
            raise UnknownNameError(f"component {on}", component, components, where=given.origin)
        parameters = components[component].manifest.parameters
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
        if fault := about.fault(value):
            raise UsageError(f"{component}.{parameter} {fault}", where=given.origin)
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
        if component not in components:
            raise UnknownNameError(f"component {on}", component, components, where=given.origin)
        config = components[component].manifest.config
        if config is None:
            able = [name for name, other in components.items() if other.manifest.config]
            raise UsageError(
                f"{component} has no configuration file that is changed key by key",
                where=given.origin,
                cure=f"these have: {', '.join(sorted(able))}" if able else None,
            )
        for more, value in leaves(given.value):
            path = (*keys, *more)
            if kept := config.kept_by(path):
                raise UsageError(f"{kept[0]} of {component} is not changed here: {kept[1]}", where=given.origin)
            if value is not None and (fault := FORMATS[config.format].fault(path, value)):
                raise UsageError(f"{config.file.rpartition('/')[2]} {fault}", where=given.origin)
            tree: Any = value
            for part in reversed(path):
                tree = {part: tree}
            trees[component] = joined(trees.get(component, {}), tree)

    def _packages(self, given: Assignment) -> None:
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

    def _secret(self, component: str, name: str, rest: Sequence[str], given: Assignment) -> None:
        if component not in self._components:
            raise UnknownNameError("component in this lab", component, self._components, where=given.origin)
        secrets = self._components[component].manifest.secrets
        if name not in secrets:
            raise UnknownNameError(f"secret of {component}", name, secrets, where=given.origin)
        if list(rest) != ["containing"]:
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


class MapChange(dict[str, Any]):
    """Keys for a parameter that is a map: put over those that it has, where a whole mapping takes their place."""


def merged_parameter(value: Any, given: Any) -> Any:
    """VALUE of a parameter after GIVEN came over it."""
    return joined(value or {}, given) if isinstance(given, MapChange) else given


def joined(tree: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """TREE with MORE over it, mapping by mapping."""
    whole = dict(tree)
    for key, value in more.items():
        old = whole.get(key)
        whole[key] = joined(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return whole


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
    if fault := network_fault(shortened(text)):
        raise UsageError(fault, where=where)
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
