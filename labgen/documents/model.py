"""Plain data as a model: what is wrong with it, and what is sound in it nevertheless."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from labgen.documents.text import Parsed, parse_document
from labgen.documents.wording import describe
from labgen.errors import DocumentError, is_near
from labgen.problems import Loc, Problem, Source

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Document(Generic[M]):
    value: M
    source: Source
    plain: Any


@dataclass(frozen=True)
class Draft(Generic[M]):
    """A document that may have problems. `value` is what is left of it without its faulty parts, None if nothing is."""

    value: M | None
    problems: list[Problem]
    source: Source
    plain: Any


def read_document(path: Path, model: type[M], *, kind: str) -> Document[M]:
    """Read the file at PATH as MODEL; raises DocumentError with every problem."""
    draft = draft_document(path, model, kind=kind)
    if draft.problems or draft.value is None:
        raise DocumentError(draft.source.sort(draft.problems), kind=kind)
    return Document(draft.value, draft.source, draft.plain)


def draft_document(path: Path, model: type[M], *, kind: str, sketch: type[M] | None = None) -> Draft[M]:
    """Read the file at PATH as MODEL as far as it goes, so that the caller can add problems of its own.

    sketch: MODEL with defaults for its required keys, for what is left of a faulty document.
    Raises DocumentError when there is no YAML mapping to look into at all.
    """
    return checked(parse_document(path, kind=kind), model, sketch=sketch)


def checked(parsed: Parsed, model: type[M], *, sketch: type[M] | None = None) -> Draft[M]:
    """What was PARSED as MODEL, as far as it goes."""
    plain, source, problems = parsed.plain, parsed.source, list(parsed.problems)
    value: M | None = None
    try:
        value = model.model_validate(plain)
    except ValidationError as error:
        problems += [source.problem(*describe(model, detail)) for detail in _worth_telling(error)]
        value = _without_faulty_parts(sketch or model, plain, error)
    return Draft(value, problems, source, plain)


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
    """MODEL from what is sound in PLAIN, so that cross-checks still run and all problems come in one go."""
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
