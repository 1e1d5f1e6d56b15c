"""Reads an overrides document, with the files that it names: a file of its own, or the `overrides:` of a larger one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from labgen.blueprint.loader import whole_text
from labgen.components.manifest import Strict
from labgen.documents import SUFFIXES, Loc, Problem, Source, read_document_bytes
from labgen.documents.model import draft_document
from labgen.errors import DocumentError, UsageError
from labgen.overrides.model import BESIDE, OverridesDocument
from labgen.reading import read_text
from labgen.system.files import inside

LARGEST = 1 << 20
"""Bytes of a script or file beside a document."""
INNER = "overrides"


class _Holder(Strict):
    """A document of which the overrides are a part, such as a reproduction; the rest of it is somebody else's.

    lab: the blueprint that it is about, a name or a path beside it.
    """

    model_config = ConfigDict(extra="ignore")

    overrides: OverridesDocument = Field(default_factory=OverridesDocument)
    lab: Any = None


@dataclass(frozen=True)
class OverridesFile:
    """An overrides document that was read.

    loc: where in its file it stands; that is not its beginning where it is a part of a larger one, of a reproduction.
    texts: the files beside it that it names → content.
    """

    path: Path
    document: OverridesDocument
    source: Source
    loc: Loc
    texts: Mapping[str, str]

    @property
    def is_part(self) -> bool:
        """Whether the document is more than overrides."""
        return bool(self.loc)

    def copy_to(self, folder: Path) -> None:
        """Put the document and the files that it names into FOLDER, where it can be read again."""
        folder.mkdir(parents=True)
        (folder / self.path.name).write_bytes(read_document_bytes(self.path, kind="overrides document"))
        for name, text in self.texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")

    def problem(self, loc: Loc, what: str) -> Problem:
        """WHAT about the value at LOC of the document."""
        return self.source.problem((*self.loc, *loc), what)

    def position(self, loc: Loc) -> str:
        """`file:line:column` of what stands at LOC of the document."""
        return self.source.position((*self.loc, *loc))


def read_overrides(path: Path) -> OverridesFile:
    """The overrides in the file PATH: the whole document, or its key `overrides` if it has one.

    Raises UsageError if there is no such file, DocumentError with every problem.
    """
    if not path.is_file():
        raise UsageError(f"there is no overrides file {path}", where="-f", cure="give the path of a YAML file")
    inner = _has_inner(path)
    value: OverridesDocument | None
    texts: dict[str, str] = {}
    if inner:
        holder = draft_document(path, _Holder, kind="overrides document")
        value, source, problems = (holder.value.overrides if holder.value else None), holder.source, holder.problems
        if holder.value and (beside := _blueprint_beside(path, holder.value.lab)):
            # Whole, so that a copy of the document has all that it needs; whoever reads it says what is wrong with it.
            texts[beside] = whole_text(path.parent / beside).decode(errors="surrogateescape")
    else:
        whole = draft_document(path, OverridesDocument, kind="overrides document")
        value, source, problems = whole.value, whole.source, whole.problems
    loc: Loc = (INNER,) if inner else ()
    problems = list(problems)
    for place, name in _named(value or OverridesDocument()):
        try:
            texts[name] = _text(inside(path.parent, name))
        except (OSError, ValueError) as why:
            reason = (why.strerror or "an error").lower() if isinstance(why, OSError) else str(why)
            problems.append(source.problem((*loc, *place), f"{name}, beside the document, cannot be read: {reason}"))
    if problems or value is None:
        raise DocumentError(source.sort(problems), kind="overrides document")
    return OverridesFile(path, value, source, loc, texts)


def _blueprint_beside(path: Path, lab: object) -> str | None:
    """LAB, if it is the path of a blueprint below the folder of the document at PATH."""
    if not isinstance(lab, str) or not re.fullmatch(BESIDE, lab) or not lab.endswith(SUFFIXES):
        return None
    try:
        return lab if inside(path.parent, lab).is_file() else None
    except ValueError:
        return None


def _has_inner(path: Path) -> bool:
    """Whether the overrides are a part of the document. A faulty one is told of by whoever reads it whole."""
    draft = draft_document(path, _Anything, kind="overrides document")
    return isinstance(draft.plain, Mapping) and (INNER in draft.plain or "actions" in draft.plain)


class _Anything(Strict):
    model_config = ConfigDict(extra="ignore")


def _named(document: OverridesDocument) -> list[tuple[Loc, str]]:
    """The files beside the document that BEND names, each with its place."""
    found: list[tuple[Loc, str]] = []
    found += [(("files", at, "source"), file.source) for at, file in enumerate(document.files) if file.source]
    found += [(("steps", at, "script"), step.script) for at, step in enumerate(document.steps) if step.script]
    return found


def _text(path: Path) -> str:
    """The text in the file PATH; raises OSError, or ValueError for what is no text."""
    try:
        return read_text(path, LARGEST)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
