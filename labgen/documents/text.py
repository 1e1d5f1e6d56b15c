"""YAML text as plain data, with the place of every key and value.

The dialect is YAML 1.2's core: `on` and `no` are words, `1:30` is a string, `0640` is a number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labgen.errors import DocumentError
from labgen.problems import Loc, Place, Problem, Source, path_text
from labgen.reading import read_plain
from labgen.wording import shown as in_words

SUFFIXES = (".yml", ".yaml")
"""How the name of a file with a document ends."""

LARGEST = 1 << 18  # bytes; the biggest sensible blueprint is a few hundred nodes, some tens of kB
MOST_VALUES = 100_000  # after aliases are followed: what a file of that size may unfold into
DEEPEST = 40


class CoreLoader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first)


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    """YAML 1.2: a leading zero does not make a number octal."""
    text = loader.construct_scalar(node)
    return int(text, 16) if text.startswith("0x") else int(text)


CoreLoader.add_constructor("tag:yaml.org,2002:int", _integer)

QuickLoader: Any = None
"""CoreLoader on libyaml, several times as quick; None where PyYAML was built without it."""

if yaml.__with_libyaml__:
    scalars = {
        "yaml_implicit_resolvers": CoreLoader.yaml_implicit_resolvers,
        "yaml_constructors": CoreLoader.yaml_constructors,
    }
    QuickLoader = type("QuickLoader", (yaml.CSafeLoader,), scalars)


@dataclass(frozen=True)
class Parsed:
    """A document as plain data (lists as tuples), with what is wrong with its text as far as that could be read."""

    plain: dict[str, Any]
    source: Source
    problems: list[Problem]


def parse_document(path: Path, *, kind: str) -> Parsed:
    """The YAML mapping in the file at PATH; raises DocumentError when there is none."""
    text = _text(path, kind)
    if QuickLoader is not None:
        try:
            return _parsed(QuickLoader(text), shown(path), kind)
        except (yaml.YAMLError, RecursionError):
            pass  # the other one has better words for it
    return _worded(text, shown(path), kind)


def parse_value(text: str) -> Any:
    """TEXT, a value from the command line, as YAML knows it; raises ValueError if it is none."""
    try:
        return yaml.load(text, CoreLoader)  # noqa: S506 - CoreLoader is a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error


def shown(path: Path) -> str:
    """PATH as a person would type it here: relative when it lies below the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def read_document_bytes(path: Path, *, kind: str) -> bytes:
    """The bytes of the document at PATH; raises DocumentError where there are none, or too many."""
    try:
        return read_plain(path, LARGEST)
    except OSError as error:
        raise _unreadable(Place(shown(path)), f"cannot be read: {error.strerror}", kind) from None


def _text(path: Path, kind: str) -> str:
    raw = read_document_bytes(path, kind=kind)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _unreadable(Place(shown(path), line), "is not UTF-8 text", kind) from None


def _unreadable(place: Place, what: str, kind: str) -> DocumentError:
    return DocumentError([Problem(place, "", what)], kind=kind)


def _worded(text: str, name: str, kind: str) -> Parsed:
    """What TEXT says, read by the loader that has words for what is wrong with it; raises DocumentError."""
    from labgen.documents.wording import yaml_problem  # noqa: PLC0415 - only where something is wrong

    try:
        return _parsed(CoreLoader(text), name, kind)
    except yaml.MarkedYAMLError as error:
        mark, about = yaml_problem(error)
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        about = f"the character U+{ord(text[error.position]):04X} may not stand there"
    except RecursionError:
        place, about = Place(name), f"values nest more than {DEEPEST} deep"
    raise _unreadable(place, f"cannot be read as YAML: {about}", kind)


def _parsed(loader: Any, name: str, kind: str) -> Parsed:
    """The document that LOADER has; raises yaml.YAMLError, RecursionError, DocumentError if it is no mapping."""
    root = loader.get_single_node()
    if not isinstance(root, yaml.MappingNode):
        what = "is empty" if root is None else "must be a mapping of keys to values"
        raise _unreadable(Place(name), what, kind)
    builder = _Builder(loader, Source(name))
    return Parsed(builder.mapping(root, ()), builder.source, builder.problems)


@dataclass
class _Builder:
    """Makes plain data of nodes, noting every key's and item's place on the way.

    left: how many more values a document may have; aliases can make a small file unfold into billions.
    """

    loader: Any
    source: Source
    problems: list[Problem] = field(default_factory=list)
    left: int = MOST_VALUES

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, loc)
        self._enter(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.value(item, (*loc, index)) for index, item in enumerate(node.value))
        return self._scalar(node)

    def mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        self._enter(node, loc)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else ()
            place = self._place(key_node)
            if not isinstance(key, str):
                self.problems.append(Problem(place, "", f"a key must be a word, not {in_words(key)}"))
                continue
            if key in mapping:
                self.problems.append(Problem(place, path_text((*loc, key)), "stands here twice"))
                continue
            self.source.places[(*loc, key)] = place
            mapping[key] = self.value(value_node, (*loc, key))
        return mapping

    def _enter(self, node: yaml.Node, loc: Loc) -> None:
        self.left -= 1
        if self.left < 0:
            raise yaml.MarkedYAMLError(None, None, f"unfolds into more than {MOST_VALUES} values", node.start_mark)
        if len(loc) > DEEPEST:
            raise yaml.MarkedYAMLError(None, None, f"values nest more than {DEEPEST} deep", node.start_mark)
        if loc not in self.source.places:
            self.source.places[loc] = self._place(node)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.source.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def _scalar(self, node: yaml.Node) -> Any:
        """The value of a scalar; a tag that does not go with it (`!!int twelve`) is a problem of the text."""
        tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
        try:
            value = self.loader.construct_object(node)
        except yaml.YAMLError:
            raise
        except Exception:  # PyYAML's constructors let through whatever goes wrong in them
            raise yaml.MarkedYAMLError(None, None, f"{in_words(node.value)} is no !!{tag}", node.start_mark) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise yaml.MarkedYAMLError(None, None, f"{node.value} is too large a number", node.start_mark)
        if value is not None and not isinstance(value, (str, int, float)):
            raise yaml.MarkedYAMLError(None, None, f"a !!{tag} has no use here", node.start_mark)
        return value
