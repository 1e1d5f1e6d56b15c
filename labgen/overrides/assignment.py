"""One value that is to be different, from whatever kind of place it comes: a `--set` word or an overrides document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labgen.blueprint.model import CPUS, MEMORY
from labgen.documents import Loc, parse_value
from labgen.errors import UsageError
from labgen.overrides.document import OverridesFile
from labgen.overrides.model import OverridesDocument, Tree, UserFile, UserStep
from labgen.wording import shortened

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


class Sink(Protocol):
    """Where assignments, and files and steps of the user's, go; raises UsageError for one that does not fit."""

    def __call__(self, given: Assignment) -> None: ...

    def file(self, given: UserAddition, at: int, before: int) -> None: ...

    def step(self, given: UserAddition, at: int, before: int) -> None: ...


def of_word(word: str) -> Assignment:
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
        value = parse_value(text)
    except ValueError:
        raise UsageError("the value cannot be read as YAML", where=origin) from None
    return Assignment(keys, value, text, origin)


Said = tuple[Loc, Path, Any]
"""Where a document says something, the path of the value, and the value."""


def of_document(file: OverridesFile, apply: Sink) -> Iterator[tuple[Loc, Callable[[], None]]]:
    """Everything that FILE says, each with its place and what puts it into the overrides."""

    def one(loc: Loc, path: Path, value: Any) -> tuple[Loc, Callable[[], None]]:
        return loc, lambda: apply(Assignment(path, value, None, file.position(loc)))

    for loc, path, value in (*_of_all(file.document), *_of_nodes(file.document), *_of_extras(file.document)):
        yield one(loc, path, value)
    yield from _own(file, apply)


def _of_all(document: OverridesDocument) -> Iterator[Said]:
    """What is about every node."""
    for name in ("os", "box"):
        if (value := getattr(document, name)) is not None:
            yield (name,), (name,), value
    if document.network is not None:
        yield ("network", "cidr"), ("network", "cidr"), document.network.cidr
    for component, version in document.versions.items():
        yield ("versions", component), ("versions", component), version
    yield from _settings(("settings",), (), document.settings)
    yield from _keys(("config",), ("config",), document.config)


def _of_nodes(document: OverridesDocument) -> Iterator[Said]:
    """What is about one node each."""
    for node, about in document.nodes.items():
        for name in MACHINE_VALUES:
            if (value := getattr(about, name)) is not None:
                yield ("nodes", node, name), ("nodes", node, name), value
        yield from _settings(("nodes", node, "settings"), ("nodes", node), about.settings)
        yield from _keys(("nodes", node, "config"), ("nodes", node, "config"), about.config)


def _of_extras(document: OverridesDocument) -> Iterator[Said]:
    for at, package in enumerate(document.packages):
        yield ("packages", at), ("packages",), (package,)
    for component, secrets in document.secrets.items():
        for name, secret in secrets.items():
            yield ("secrets", component, name), ("secrets", component, name, "containing"), secret.containing


def _settings(loc: Loc, begin: Path, settings: Mapping[str, Mapping[str, Any]]) -> Iterator[Said]:
    """Parameters; each key of one that is a map is a value of its own."""
    for component, given in settings.items():
        for name, value in given.items():
            inner = value.items() if isinstance(value, Mapping) and value else [(None, value)]
            for key, part in inner:
                more = () if key is None else (str(key),)
                yield (*loc, component, name, *more), (*begin, component, name, *more), part


def _keys(loc: Loc, begin: Path, config: Mapping[str, Tree]) -> Iterator[Said]:
    """Keys of configuration files."""
    for component, tree in config.items():
        for path, value in leaves(tree):
            yield (*loc, component, *path), (*begin, component, *path), value


def _own(file: OverridesFile, apply: Sink) -> Iterator[tuple[Loc, Callable[[], None]]]:
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
