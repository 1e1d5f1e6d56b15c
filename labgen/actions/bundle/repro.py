"""The reproduction that a bundle carries: its document, what came of it last, and what it says in a bug report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.actions.session.open import OpenLab
from labgen.bundle.model import OVERRIDES, REPRO, ReproFacts, is_place
from labgen.documents import SUFFIXES
from labgen.overrides import OverridesFile, read_overrides
from labgen.reading import read_json, read_text
from labgen.repro.document import check_references, read_written
from labgen.repro.judge import ReproVerdict
from labgen.repro.model import Reproduction
from labgen.repro.result import FOLDER
from labgen.repro.words import action_title, condition_title


@dataclass(frozen=True)
class BundledRepro:
    """A reproduction in a bundle. member: where it lies there. result: of its last run on the lab, None without one.

    texts: members that are there for it alone.
    """

    document: Reproduction
    text: str
    member: str
    result: Mapping[str, Any] | None
    texts: Mapping[str, str]

    @property
    def facts(self) -> ReproFacts:
        result = self.result or {}
        return ReproFacts(
            name=self.document.name,
            title=self.document.title,
            member=self.member,
            verdict=str(result.get("verdict", "")),
            tries={verdict: number for verdict, number in result.get("counts", {}).items() if number},
        )


def document_member(number: int, document: OverridesFile) -> str:
    """Where the lab's overrides document NUMBER, from 1, lies in a bundle."""
    return _member(f"{OVERRIDES}/{number}", document.path)


def _member(folder: str, path: Path) -> str:
    """PATH in FOLDER of a bundle, under another name where a bundle has no place for its own."""
    member = f"{folder}/{path.name}"
    return member if is_place(member) else f"{folder}/document{path.suffix if path.suffix in SUFFIXES else '.yml'}"


def carried(opened: OpenLab, given: Path | None) -> BundledRepro | None:
    """The reproduction in the file GIVEN, else the last one that the lab was made by; None if it was by none.

    Raises DocumentError for problems in it, and for what the lab does not have.
    """
    if given is not None:
        written, overrides = read_written(given), read_overrides(given)
        check_references(written, opened.lab)
        member = _member(REPRO, given)
        beside = {f"{REPRO}/{name}": text for name, text in overrides.texts.items()}
        text = read_text(given)
        return BundledRepro(written.value, text, member, _last(opened, written.value), {member: text, **beside})
    for number, file in reversed(list(enumerate(opened.overrides_files, 1))):
        if file.is_part:
            document = read_written(file.path).value
            text = read_text(file.path)
            return BundledRepro(document, text, document_member(number, file), _last(opened, document), {})
    return None


def _last(opened: OpenLab, document: Reproduction) -> Mapping[str, Any] | None:
    """What came of DOCUMENT on the lab when it was run last."""
    results = (opened.folder.path / FOLDER).glob(f"{document.name}-*.json")
    for path in sorted(results, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(OSError, ValueError):
            result = read_json(path)
            if isinstance(result, dict) and result.get("reproduction") == document.name:
                return result
    return None


# --- for issue.md -----------------------------------------------------------------------------------------------------


def what_happened(it: BundledRepro) -> str:
    """The section of that name: what the reproduction is about, and what was seen where it showed the bug."""
    parts = [f"{it.document.title}.", it.document.about.strip()]
    if told := _telling(it):
        rows = [
            f"- {judged['condition']}" + (f": `{judged['why']}`" if judged["why"] else "") for judged in told["seen"]
        ]
        parts.append("\n".join(["Seen:", "", *rows]))
    return "\n\n".join(part for part in parts if part)


def how_to_reproduce(it: BundledRepro) -> str:
    """The section of that name: the actions in words, then the document itself."""
    actions = [f"{number}. {action_title(action)}" for number, action in enumerate(it.document.actions, 1)]
    counts = {} if it.result is None else it.result.get("counts", {})
    tries = sum(counts.values())
    shown = f"It showed in {counts.get(ReproVerdict.REPRODUCED.value, 0)} of {tries} tries." if tries > 1 else ""
    file = Path(it.member).name
    told = f"As a file for `labgen repro run {file}`, which also makes the cluster:\n\n```yaml\n{it.text.rstrip()}\n```"
    return "\n\n".join(part for part in ("\n".join(actions), shown, told) if part)


def what_was_expected(it: BundledRepro) -> str:
    """The section of that name: what is seen where the bug is not."""
    rows = [f"- {condition_title(condition)}" for condition in it.document.otherwise]
    fixed = f"So it is with {it.document.fixed}." if it.document.fixed else ""
    return "\n\n".join(part for part in ("\n".join(rows), fixed) if part)


def _telling(it: BundledRepro) -> Mapping[str, Any] | None:
    """The first try that showed the bug."""
    tries = [] if it.result is None else it.result.get("tries", [])
    return next((one for one in tries if one.get("verdict") == ReproVerdict.REPRODUCED.value), None)
