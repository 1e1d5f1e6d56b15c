"""Finds reproductions by name or path and reads them; what they name is looked up before anything boots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from labgen.blueprint.files import blueprint_files
from labgen.components.manifest import SqlClientRole
from labgen.documents import SUFFIXES, Loc, Problem, Source
from labgen.documents.model import draft_document
from labgen.errors import DocumentError, LabgenError, PluginError, UnknownNameError, UsageError, is_near, meant
from labgen.faults.registry import find_fault
from labgen.faults.targets import TARGETS
from labgen.lab.model import Lab
from labgen.plan import build_plan
from labgen.plan.until import until_words
from labgen.plugins import FAULTS, plugin_names
from labgen.repro.model import Reproduction
from labgen.repro.model_actions import FaultAction, SqlAction
from labgen.repro.model_conditions import Rows
from labgen.repro.targets import NOW, is_description
from labgen.resources import resource
from labgen.system.files import is_file

KIND = "reproduction"


@dataclass(frozen=True)
class Written:
    """A sound reproduction with its file, and where in it each value stands."""

    value: Reproduction
    path: Path
    source: Source

    @property
    def lab(self) -> str:
        """The word for the lab that `labgen up` would take: a blueprint's name, or its path."""
        lab = self.value.lab
        return str(self.path.parent / lab) if _is_path(lab) else lab


def reproduction_files(folder: Path | None = None) -> dict[str, Path]:
    """Name → file of every reproduction in FOLDER, or of those that ship with labgen."""
    root = resource("examples") / "repro" if folder is None else folder
    return {path.stem: path for path in sorted(root.glob("*.yml"))}


def find_reproduction(word: str) -> Path:
    """The file that WORD means, a path or the name of one that ships with labgen; raises UsageError."""
    path = Path(word)
    if path.is_file():
        return path
    if "/" in word or word.endswith(SUFFIXES):
        raise UsageError(f"there is no file {word}", cure="labgen repro list shows what there is")
    files = reproduction_files()
    if word not in files:
        raise UnknownNameError(KIND, word, files)
    return files[word]


def read_reproduction(path: Path) -> Reproduction:
    """The reproduction in the file at PATH; raises DocumentError with every problem that shows without its lab."""
    return read_written(path).value


def read_written(path: Path) -> Written:
    """As `read_reproduction`, with the places of its values."""
    draft = draft_document(path, Reproduction, kind=KIND)
    problems = [
        *draft.problems,
        *_lab_problems(draft.plain, path, draft.source),
        *_fault_names(draft.plain, draft.source),
    ]
    if problems or draft.value is None:
        raise DocumentError(draft.source.sort(problems), kind=KIND)
    return Written(draft.value, path, draft.source)


def _is_path(lab: str) -> bool:
    return "/" in lab or lab.endswith(SUFFIXES)


# Looked up in the document as it was written, where what stands beside problems still has its place.


def _lab_problems(plain: Mapping[str, Any], path: Path, source: Source) -> Iterator[Problem]:
    lab = plain.get("lab")
    if not isinstance(lab, str) or not lab:
        return
    if not _is_path(lab):
        if lab not in (known := blueprint_files()):
            yield source.problem(("lab",), f"there is no blueprint '{lab}'; {meant(lab, known)}")
    elif PurePosixPath(lab).is_absolute() or ".." in PurePosixPath(lab).parts:
        yield source.problem(
            ("lab",), "must be a path below this file's folder, so that the two can be copied together"
        )
    elif not is_file(path.parent / lab):
        yield source.problem(("lab",), f"there is no file {lab} beside this one")


def _fault_names(plain: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    known = plugin_names(FAULTS)
    actions = plain.get("actions")
    for index, action in enumerate(actions if isinstance(actions, tuple) else ()):
        fault = action.get("fault") if isinstance(action, Mapping) else None
        if not isinstance(fault, Mapping) or not isinstance(name := fault.get("fault"), str):
            continue
        loc: Loc = ("actions", index, "fault")
        if name not in known:
            yield source.problem((*loc, "fault"), f"there is no fault '{name}'; {meant(name, known)}")
            continue
        values = fault.get("values", {})
        if isinstance(values, Mapping) and all(isinstance(value, (int, float)) for value in values.values()):
            try:
                find_fault(name).chosen(values)
            except LabgenError as why:
                yield source.problem((*loc, "fault" if isinstance(why, PluginError) else "values"), _sentence(why))


def _faults(document: Reproduction) -> Iterator[tuple[int, FaultAction]]:
    for index, action in enumerate(document.actions):
        if action.fault is not None:
            yield index, action.fault


# --- with its lab -----------------------------------------------------------------------------------------------------


def check_references(written: Written, lab: Lab) -> None:
    """Raise DocumentError with everything in the reproduction that LAB does not have, or that cannot be done there."""
    problems = [*_until(written, lab), *_targets(written, lab), *_struck(written, lab), *_paths(written, lab)]
    if problems:
        raise DocumentError(written.source.sort(problems), kind=KIND)


def _until(written: Written, lab: Lab) -> Iterator[Problem]:
    until = written.value.until
    words = until_words(build_plan(lab))
    if until is not None and until not in words:
        yield written.source.problem(
            ("until",), f"there is no stage or started component '{until}'; {meant(until, words)}"
        )


def _targets(written: Written, lab: Lab) -> Iterator[Problem]:
    nodes = [node.name for node in lab.nodes]
    for loc, word in _named(written.value):
        if word in nodes:
            continue
        if not is_description(word):
            # In a list of all there is, each target once is enough.
            late = [name for name in (f"{target}{NOW}" for target in TARGETS) if is_near(word, name)]
            what = f"there is no node or target '{word}'; {meant(word, [*nodes, *TARGETS, *late])}"
            yield written.source.problem(loc, what)
        elif written.value.until is not None and not word.endswith(NOW):
            yield written.source.problem(
                loc,
                f"with 'until' nobody is the {word} yet when the actions begin; name a node, or say {word}{NOW}",
            )


def _named(document: Reproduction) -> Iterator[tuple[Loc, str]]:
    """Every word for a node, with its place."""
    for index, action in enumerate(document.actions):
        body = getattr(action, action.kind)
        for key in ("on", "to", "target"):
            if word := getattr(body, key, None):
                yield ("actions", index, action.kind, key), word
    for index, fault in _faults(document):
        if fault.target is None and document.until is not None:
            yield ("actions", index, "fault"), find_fault(fault.fault).target
    for loc, condition in document.conditions():
        if condition.question:
            yield (*loc, condition.kind, "on"), condition.question.on


def _struck(written: Written, lab: Lab) -> Iterator[Problem]:
    """Faults that the provider cannot do, or about something that the node has not."""
    for index, action in _faults(written.value):
        fault, loc = find_fault(action.fault), ("actions", index, "fault")
        if reason := fault.not_with(lab.provider):
            yield written.source.problem(loc, f"{fault.name} is not possible with {lab.provider}: {reason}")
        struck = next((node for node in lab.nodes if node.name == action.target), None)
        if struck is not None and (reason := fault.not_on(lab, struck)):
            yield written.source.problem((*loc, "target"), f"{fault.name} {reason}")


def _paths(written: Written, lab: Lab) -> Iterator[Problem]:
    known = [path.name for path in lab.blueprint.paths]
    for loc, body in _asking(written.value):
        if body.through is not None and body.through not in known:
            what = f"there is no path '{body.through}'; {meant(body.through, known)}"
            yield written.source.problem((*loc, "through"), what)
        node = next((node for node in lab.nodes if node.name == body.on), None)
        if node is None:
            continue
        if body.through is None and node not in lab.member_nodes:
            yield written.source.problem((*loc, "on"), f"{node.name} has no postgresql, so no SQL can be asked there")
        elif not any(lab.roles_on(node, SqlClientRole)):
            yield written.source.problem((*loc, "on"), f"{node.name} has no psql, so no SQL can be asked there")


def _asking(document: Reproduction) -> Iterator[tuple[Loc, SqlAction | Rows]]:
    for index, action in enumerate(document.actions):
        if action.sql:
            yield ("actions", index, "sql"), action.sql
    for loc, condition in document.conditions():
        if condition.rows:
            yield (*loc, "rows"), condition.rows


def _sentence(why: LabgenError) -> str:
    return why.what if why.cure is None else f"{why.what}; {why.cure}"
