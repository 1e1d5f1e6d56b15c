"""Reads a YAML file into a model and keeps, for every value, the line and column it came from.

The dialect is YAML 1.2's core: `on` and `no` are words, `1:30` is a string, `0640` is a number. All faults of a
document come back together as `file:line:column: path: what` lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from labgen.errors import BlueprintError, is_near
from labgen.wording import Loc, describe, path_text, printable, yaml_fault
from labgen.wording import shown as in_words

M = TypeVar("M", bound=BaseModel)

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


def _integer(loader: CoreLoader, node: yaml.ScalarNode) -> int:
    """YAML 1.2: a leading zero does not make a number octal."""
    text = loader.construct_scalar(node)
    return int(text, 16) if text.startswith("0x") else int(text)


CoreLoader.add_constructor("tag:yaml.org,2002:int", _integer)


@dataclass(frozen=True)
class Place:
    """file: where it is in another one than the document's own."""

    line: int
    column: int
    file: str = ""


@dataclass
class Source:
    """The text a document came from: where each key or value stands, by its path in the document."""

    name: str
    places: dict[Loc, Place] = field(default_factory=dict)

    def position(self, loc: Loc) -> str:
        """`file:line:column` of the nearest thing that is there."""
        at = loc
        while at not in self.places and at:
            at = at[:-1]
        place = self.places.get(at, Place(1, 1))
        return f"{place.file or self.name}:{place.line}:{place.column}"

    def fault(self, loc: Loc, what: str) -> str:
        """One `file:line:column: path: what` line."""
        label = path_text(loc)
        return printable(f"{self.position(loc)}: {label + ': ' if label else ''}{what}")

    def sort(self, faults: Sequence[str]) -> list[str]:
        """Faults without repetition, in the order of the file; those of other files after them."""

        def position(fault: str) -> tuple[bool, str, int, int, str]:
            found = re.match(r"(.*?):(\d+):(\d+): ", fault)
            file, line, column = found.groups() if found else ("", "0", "0")
            return file != self.name, file, int(line), int(column), fault

        return sorted(set(faults), key=position)


@dataclass(frozen=True)
class Parsed:
    """A document as plain data (lists as tuples), with what is wrong with its text as far as that could be read."""

    plain: dict[str, Any]
    source: Source
    faults: list[str]


@dataclass(frozen=True)
class Document(Generic[M]):
    value: M
    source: Source
    plain: Any


@dataclass(frozen=True)
class Draft(Generic[M]):
    """A document that may have faults. `value` is what is left of it without its faulty parts, None if nothing is."""

    value: M | None
    faults: list[str]
    source: Source
    plain: Any


def read_document(path: Path, model: type[M], *, kind: str) -> Document[M]:
    """Read the file at PATH as MODEL; raises BlueprintError with every fault."""
    draft = draft_document(path, model, kind=kind)
    if draft.faults or draft.value is None:
        raise BlueprintError(draft.source.sort(draft.faults), kind=kind)
    return Document(draft.value, draft.source, draft.plain)


def draft_document(path: Path, model: type[M], *, kind: str, sketch: type[M] | None = None) -> Draft[M]:
    """Read the file at PATH as MODEL as far as it goes, so that the caller can add faults of its own.

    sketch: MODEL with defaults for its required keys, for what is left of a faulty document.
    Raises BlueprintError when there is no YAML mapping to look into at all.
    """
    return checked(parse_document(path, kind=kind), model, sketch=sketch)


def parse_document(path: Path, *, kind: str) -> Parsed:
    """The YAML mapping in the file at PATH; raises BlueprintError when there is none."""
    source = Source(shown(path))
    plain, faults = _parse(_text(path, kind), source, kind)
    return Parsed(plain, source, faults)


def checked(parsed: Parsed, model: type[M], *, sketch: type[M] | None = None) -> Draft[M]:
    """What was PARSED as MODEL, as far as it goes."""
    plain, source, faults = parsed.plain, parsed.source, list(parsed.faults)
    value: M | None = None
    try:
        value = model.model_validate(plain)
    except ValidationError as error:
        faults += [source.fault(*describe(model, detail)) for detail in _worth_telling(error)]
        value = _without_faulty_parts(sketch or model, plain, error)
    return Draft(value, faults, source, plain)


def shown(path: Path) -> str:
    """PATH as a person would type it here: relative when it lies below the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _text(path: Path, kind: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BlueprintError([f"{shown(path)}:1:1: cannot be read: {error.strerror}"], kind=kind) from None
    if len(raw) > LARGEST:
        raise BlueprintError([f"{shown(path)}:1:1: is larger than {LARGEST} bytes"], kind=kind)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BlueprintError([f"{shown(path)}:{line}:1: is not UTF-8 text"], kind=kind) from None


def _parse(text: str, source: Source, kind: str) -> tuple[dict[str, Any], list[str]]:
    faults: list[str] = []
    try:
        loader = CoreLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            what = "is empty" if root is None else "must be a mapping of keys to values"
            raise BlueprintError([f"{source.name}:1:1: {what}"], kind=kind)
        counter = Counter(MOST_VALUES)
        plain = _plain(loader, root, (), source, faults, counter)
        return plain, faults
    except yaml.MarkedYAMLError as error:
        mark, about = yaml_fault(error)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        about = f"the character U+{ord(text[error.position]):04X} may not stand there"
    except RecursionError:
        line, column, about = 1, 1, f"values nest more than {DEEPEST} deep"
    fault = printable(f"{source.name}:{line}:{column}: cannot be read as YAML: {about}")
    raise BlueprintError([fault], kind=kind)


@dataclass
class Counter:
    """How many more values a document may have; aliases can make a small file unfold into billions."""

    left: int

    def count(self, node: yaml.Node) -> None:
        self.left -= 1
        if self.left < 0:
            raise yaml.MarkedYAMLError(None, None, f"unfolds into more than {MOST_VALUES} values", node.start_mark)


def _plain(loader: CoreLoader, node: yaml.Node, loc: Loc, source: Source, faults: list[str], counter: Counter) -> Any:
    """The node as plain data (lists as tuples), noting every key's and item's place on the way."""
    counter.count(node)
    source.places.setdefault(loc, Place(node.start_mark.line + 1, node.start_mark.column + 1))
    if len(loc) > DEEPEST:
        raise yaml.MarkedYAMLError(None, None, f"values nest more than {DEEPEST} deep", node.start_mark)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(loader, key_node) if isinstance(key_node, yaml.ScalarNode) else ()
            at = Place(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key, str):
                faults.append(f"{source.name}:{at.line}:{at.column}: a key must be a word, not {in_words(key)}")
                continue
            if key in mapping:
                faults.append(
                    printable(f"{source.name}:{at.line}:{at.column}: {path_text((*loc, key))}: stands here twice")
                )
                continue
            source.places[(*loc, key)] = at
            mapping[key] = _plain(loader, value_node, (*loc, key), source, faults, counter)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return tuple(_plain(loader, item, (*loc, i), source, faults, counter) for i, item in enumerate(node.value))
    return _scalar(loader, node)


def _scalar(loader: CoreLoader, node: yaml.Node) -> Any:
    """The value of a scalar; a tag that does not go with it (`!!int twelve`) is a fault of the text."""
    tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
    try:
        value = loader.construct_object(node)
    except yaml.YAMLError:
        raise
    except Exception:  # PyYAML's constructors let through whatever goes wrong in them
        raise yaml.MarkedYAMLError(None, None, f"{in_words(node.value)} is no !!{tag}", node.start_mark) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise yaml.MarkedYAMLError(None, None, f"{node.value} is too large a number", node.start_mark)
    if value is not None and not isinstance(value, (str, int, float)):
        raise yaml.MarkedYAMLError(None, None, f"a !!{tag} has no use here", node.start_mark)
    return value


def _worth_telling(error: ValidationError) -> list[ErrorDetails]:
    """The complaints without those that another one explains.

    A list of which every item is faulty is not empty, and a key that is missing has perhaps been misspelt.
    """
    details = error.errors()
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]

    def explained(detail: ErrorDetails) -> bool:
        if detail["type"] == "too_short":
            return len(detail["input"]) > 0
        beside = [str(loc[-1]) for loc in unknown if loc[:-1] == detail["loc"][:-1]]
        return detail["type"] == "missing" and any(is_near(str(detail["loc"][-1]), word) for word in beside)

    return [detail for detail in details if not explained(detail)]


def _without_faulty_parts(model: type[M], plain: dict[str, Any], error: ValidationError) -> M | None:
    """MODEL from what is sound in PLAIN, so that cross-checks still run and all faults come in one go."""
    data: Any = plain
    for _ in range(3):
        for detail in sorted(error.errors(), key=lambda d: [str(p) for p in d["loc"]], reverse=True):
            loc = tuple(part for part in detail["loc"] if part != "[key]")
            data = _dropped(data, loc, missing=detail["type"] == "missing")
        data = _compact(data)
        try:
            return model.model_validate(data)
        except ValidationError as again:
            error = again
    return None


_GONE = object()


def _dropped(data: Any, loc: Loc, *, missing: bool) -> Any:
    """DATA without the value at LOC; where a key is missing, or an item is no mapping, the item that lacks it goes."""
    if not loc:
        return data if not missing else _GONE
    head, rest = loc[0], loc[1:]
    if isinstance(data, dict) and head in data:
        if not rest:
            return {key: value for key, value in data.items() if key != head}
        inner = _dropped(data[head], rest, missing=missing)
        return {
            key: (inner if key == head else value) for key, value in data.items() if key != head or inner is not _GONE
        }
    if isinstance(data, tuple) and isinstance(head, int) and head < len(data):
        inner = _GONE if not rest else _dropped(data[head], rest, missing=missing)
        return tuple(inner if i == head else value for i, value in enumerate(data))
    if isinstance(data, dict) and missing:
        return _GONE
    return data


def _compact(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _compact(value) for key, value in data.items() if value is not _GONE}
    if isinstance(data, tuple):
        return tuple(_compact(value) for value in data if value is not _GONE)
    return data
