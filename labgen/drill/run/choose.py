"""Which drill a word on the command line means, and what `--set` changes in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labgen.blueprint.drills import Drill, FaultStep
from labgen.blueprint.rules import drill_problems
from labgen.documents import SUFFIXES, Problem, Source, parse_value, path_text
from labgen.documents.model import read_document
from labgen.documents.wording import describe
from labgen.errors import DocumentError, UnknownNameError, UsageError
from labgen.faults.registry import find_fault
from labgen.faults.targets import TARGETS
from labgen.lab.model import Lab
from labgen.plugins import FAULTS, plugin_names
from labgen.wording import shortened

EXAMPLE = "for example --set hold=20"
SHORT = {"target": "faults.0.target", "fault": "faults.0.fault"}


def choose_drill(lab: Lab, word: str, changes: Sequence[str] = ()) -> Drill:
    """The drill that WORD means, with CHANGES (`path=value`): one of LAB's, a file with one, or a fault by itself.

    Raises UnknownNameError, DocumentError with every problem of a file, UsageError for a change that does not fit.
    """
    drill = next((drill for drill in lab.blueprint.drills if drill.name == word), None)
    if drill is None and (word.endswith(SUFFIXES) or "/" in word):
        drill = _from_file(lab, Path(word))
    if drill is None and word in plugin_names(FAULTS):
        steps = (FaultStep(fault=word),)
        drill = Drill(name=word, title=_title(lab, steps), faults=steps)
    if drill is None:
        names = {*(drill.name for drill in lab.blueprint.drills), *plugin_names(FAULTS)}
        raise UnknownNameError("drill or fault", word, names, where=f"lab {lab.name}")
    before = drill
    for change in changes:
        drill = _changed(lab, drill, change)
    # Another fault, or the same on another node, has another title.
    if _steps(drill) != _steps(before) and drill.title == before.title:
        drill = drill.model_copy(update={"title": _title(lab, drill.faults)})
    return drill


def _steps(drill: Drill) -> list[tuple[str, str | None]]:
    return [(step.fault, step.target) for step in drill.faults]


def _title(lab: Lab, steps: Sequence[FaultStep]) -> str:
    """What STEPS do to whom, as a title."""
    words = []
    for step in steps:
        fault = find_fault(step.fault)
        target = step.target or fault.target
        words.append(f"{'the ' if target in TARGETS else ''}{target} {fault.title}")
    title = ", then ".join(words)
    return title if steps[0].target in {node.name for node in lab.nodes} else title[0].upper() + title[1:]


def _from_file(lab: Lab, path: Path) -> Drill:
    if not path.is_file():
        raise UsageError("there is no such file", where=path, cure=f"labgen drill list {lab.name} shows what there is")
    document = read_document(path, Drill, kind="drill")
    _refuse(list(drill_problems([document.value], _paths(lab), document.source, ())))
    return document.value


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise DocumentError(problems, kind="drill")


def _paths(lab: Lab) -> list[str]:
    return [path.name for path in lab.blueprint.paths]


def _changed(lab: Lab, drill: Drill, change: str) -> Drill:
    where = f"--set {shortened(change)}"
    path, equals, text = change.partition("=")
    if not equals or not path:
        raise UsageError(f"'{shortened(change)}' is not path=value", where="--set", cure=EXAMPLE)
    try:
        value = parse_value(text)
    except ValueError:
        raise UsageError("the value cannot be read as YAML", where=where, cure=EXAMPLE) from None
    document = drill.model_dump(mode="json", by_alias=True)
    keys = SHORT.get(path, path).split(".")
    inner: Any = document
    for key in keys[:-1]:
        inner = _inside(inner, key, where)
    last = keys[-1]
    if isinstance(inner, list):
        _inside(inner, last, where)
        inner[int(last)] = value
    elif isinstance(inner, dict):
        inner[last] = value
    else:
        raise UsageError(
            f"a drill has nothing called '{path}'", where=where, cure="labgen drill list shows what it has"
        )
    try:
        changed = Drill.model_validate_json(json.dumps(document))
    except ValidationError as why:
        loc, words = describe(Drill, why.errors()[0])
        raise UsageError(f"{path_text(loc)}: {words}", where=where, cure="see docs/drills.md") from None
    _refuse(list(drill_problems([changed], _paths(lab), Source(""), ())))  # it stands in no file
    return changed


def _inside(value: Any, key: str, where: str) -> Any:
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    raise UsageError(f"a drill has nothing called '{key}' there", where=where, cure="see docs/drills.md")
