"""One reproduction in several labs that differ in what `--over` says: the cells, their results, and where it flips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from labgen.errors import UsageError
from labgen.repro.judge import ReproVerdict
from labgen.wording import shortened

IMPOSSIBLE = "impossible"
"""The status of a cell whose values cannot go together; any other has a verdict."""
LONGEST_NAME = 30
"""Characters of the reproduction's name that a cell's lab takes over; a digest makes it one of a kind."""


@dataclass(frozen=True)
class Axis:
    """A value that the cells differ in, by its path as `--set` has it."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """One lab: path → value of each axis, and the lab's name."""

    values: Mapping[str, str]
    lab: str

    @property
    def words(self) -> tuple[str, ...]:
        """What `--set` says for it."""
        return tuple(f"{path}={value}" for path, value in self.values.items())


@dataclass(frozen=True)
class CellResult:
    """What came of a cell. RESULT: the reproduction's own, as `result_data` has it; empty if it did not come to one."""

    cell: Cell
    status: str
    seconds: float
    reasons: tuple[str, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def judged(self) -> bool:
        """Whether it says something about the bug."""
        return self.status in (ReproVerdict.REPRODUCED, ReproVerdict.NOT_REPRODUCED)


def parse_axes(words: Sequence[str]) -> tuple[Axis, ...]:
    """The axes that `--over path=value,value…` means; raises UsageError."""
    axes: list[Axis] = []
    for word in words:
        path, equals, text = word.partition("=")
        where = f"--over {shortened(word)}"
        values = tuple(_split(text))
        if not equals or not path or not all(values):
            cure = "for example --over versions.patroni=3.0.1,3.0.2"
            raise UsageError(f"'{shortened(word)}' is not path=value,value", where="--over", cure=cure)
        if len(set(values)) < len(values):
            raise UsageError("a value stands there twice", where=where)
        if any(axis.path == path for axis in axes):
            raise UsageError(f"{path} is varied twice", where=where, cure="put all its values into one --over")
        axes.append(Axis(path, values))
    return tuple(axes)


def refuse_one(axes: Sequence[Axis]) -> None:
    """Raise UsageError where AXES make one lab, which has nothing beside it."""
    if all(len(axis.values) == 1 for axis in axes):
        one = f"--over {axes[0].path}={shortened(axes[0].values[0])}"
        raise UsageError(
            "one lab is no comparison: no --over has a second value",
            where=one,
            cure=f"give another: {one},VALUE; for one lab there is labgen repro run",
        )


def _split(text: str) -> Iterator[str]:
    """TEXT at its commas, but for those inside brackets or quotes, which belong to a value."""
    depth, quote, word = 0, "", ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{":
            depth += 1
        elif char in "]}":
            depth -= 1
        if char == "," and depth == 0 and not quote:
            yield word
            word = ""
        else:
            word += char
    yield word


def make_cells(name: str, axes: Sequence[Axis], beside: Sequence[str] = ()) -> tuple[Cell, ...]:
    """Every combination of the values of AXES, the last changing first. BESIDE: what else their labs are made by."""
    combinations = product(*(axis.values for axis in axes))
    return tuple(_cell(name, dict(zip((axis.path for axis in axes), it, strict=True)), beside) for it in combinations)


def _cell(name: str, values: Mapping[str, str], beside: Sequence[str]) -> Cell:
    digest = hashlib.sha256(json.dumps([dict(values), list(beside)]).encode()).hexdigest()[:8]
    return Cell(values, f"{name[:LONGEST_NAME].rstrip('-')}-{digest}")


# --- where it flips ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flip:
    """Two neighbours on the axis PATH with different verdicts; all else, BESIDE, is the same in both."""

    path: str
    before: CellResult
    after: CellResult
    beside: Mapping[str, str]

    def __str__(self) -> str:
        def end(it: CellResult) -> str:
            return f"{it.status} with {self.path}={it.cell.values[self.path]}"

        beside = ", ".join(f"{path}={value}" for path, value in self.beside.items())
        return f"{end(self.before)}, {end(self.after)}" + (f" ({beside})" if beside else "")


def flips(axes: Sequence[Axis], results: Sequence[CellResult]) -> list[Flip]:
    """Where the verdict changes from one value of an axis to the next that has one."""
    found = []
    for axis in axes:
        rows: dict[tuple[tuple[str, str], ...], list[CellResult]] = {}
        for it in results:
            beside = tuple((path, value) for path, value in it.cell.values.items() if path != axis.path)
            rows.setdefault(beside, []).append(it)
        for beside, row in rows.items():
            ordered = sorted(row, key=lambda it: axis.values.index(it.cell.values[axis.path]))
            judged = [it for it in ordered if it.judged]
            for one, other in pairwise(judged):
                if one.status != other.status:
                    found.append(Flip(axis.path, one, other, dict(beside)))
    return found


# --- the first that differs -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bisection:
    """Between LAST, whose verdict is the first end's, and FIRST, whose is the other's, nothing is left to be judged.

    Both are None where the ends do not differ or have no verdict. between: versions that lie there and have none.
    """

    results: tuple[CellResult, ...]
    last: CellResult | None = None
    first: CellResult | None = None
    between: tuple[str, ...] = ()


def bisect(versions: Sequence[str], judge: Callable[[str], CellResult]) -> Bisection:
    """Which of VERSIONS, from the oldest to the newest, is the first with another verdict than the oldest.

    The verdict is taken to change once. One that cannot be judged is passed by, as `git bisect skip` does.
    """
    results = {versions[0]: judge(versions[0])}
    if not results[versions[0]].judged:
        return Bisection(tuple(results.values()))
    results[versions[-1]] = judge(versions[-1])
    start, end = results[versions[0]], results[versions[-1]]
    if not end.judged or start.status == end.status:
        return Bisection(tuple(results.values()))
    low, high = 0, len(versions) - 1
    skipped: set[int] = set()
    while left := [at for at in range(low + 1, high) if at not in skipped]:
        middle = min(left, key=lambda at: (abs(2 * at - low - high), at))
        it = results[versions[middle]] = judge(versions[middle])
        if not it.judged:
            skipped.add(middle)
        elif it.status == start.status:
            low = middle
        else:
            high = middle
    ordered = tuple(results[version] for version in versions if version in results)
    return Bisection(ordered, results[versions[low]], results[versions[high]], tuple(versions[low + 1 : high]))


# --- as data ----------------------------------------------------------------------------------------------------------


def matrix_data(
    name: str, axes: Sequence[Axis], results: Sequence[CellResult], bisection: Bisection | None = None
) -> dict[str, Any]:
    """All of it as JSON has it."""
    data: dict[str, Any] = {
        "format": 1,
        "reproduction": name,
        "over": {axis.path: list(axis.values) for axis in axes},
        "cells": [cell_data(it) for it in results],
        "flips": [
            {
                "path": flip.path,
                "before": flip.before.cell.values[flip.path],
                "after": flip.after.cell.values[flip.path],
                "verdicts": [flip.before.status, flip.after.status],
                "beside": dict(flip.beside),
            }
            for flip in flips(axes, results)
        ],
    }
    if bisection is not None:
        path = axes[0].path
        data["bisection"] = {
            "last": bisection.last and bisection.last.cell.values[path],
            "first": bisection.first and bisection.first.cell.values[path],
            "between": list(bisection.between),
        }
    return data


def cell_data(it: CellResult) -> dict[str, Any]:
    return {
        "values": dict(it.cell.values),
        "lab": it.cell.lab,
        "status": it.status,
        "seconds": it.seconds,
        "reasons": list(it.reasons),
        "result": dict(it.result),
    }
