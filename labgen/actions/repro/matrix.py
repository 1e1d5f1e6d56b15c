"""`matrix`: one reproduction in several labs, one after the other or side by side, each in a labgen of its own."""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from labgen.actions.repro.cells import CellRunner, Say
from labgen.actions.repro.run import ReproRequest, request_of
from labgen.actions.session.open import lab_of
from labgen.artefacts.sources import SourceFailed, offered_versions
from labgen.errors import ArtefactError, DocumentError, UnknownNameError, UsageError
from labgen.repro.document import Written, check_references
from labgen.repro.matrix import IMPOSSIBLE, Axis, Bisection, Cell, CellResult, bisect, make_cells, matrix_data
from labgen.system.files import write_atomically
from labgen.system.folders import state_folder

FOLDER = "matrices"
"""Below the state folder: what came of each matrix, with the evidence of labs that are gone."""


@dataclass
class Matrix:
    """A matrix that is over, or under way: its folder, and the results in the order of its cells."""

    written: Written
    axes: tuple[Axis, ...]
    folder: Path
    started: datetime
    results: list[CellResult] = field(default_factory=list)
    bisection: Bisection | None = None

    def save(self) -> Path:
        """Write down what there is up to now."""
        data = matrix_data(self.written.value.name, self.axes, self.results, self.bisection)
        path = self.folder / "matrix.json"
        write_atomically(path, json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n", 0o600)
        return path


def run_matrix(
    written: Written,
    axes: tuple[Axis, ...],
    options: ReproRequest,
    *,
    jobs: int = 1,
    keep: bool = False,
    repeat: int | None = None,
    say: Say = lambda _cell, _text: None,
    on_result: Callable[[CellResult], None] = lambda _: None,
) -> Matrix:
    """Play WRITTEN in a lab for each combination of the values of AXES, JOBS at a time.

    keep: the labs stay. SAY hears what a cell is doing, in whatever thread; ON_RESULT of each result as it comes.
    Raises UnknownNameError where a path or value of an axis means nothing.
    """
    cells = make_cells(written.value.name, axes, beside_words(options))
    impossible = {cell.lab: why for cell in cells if (why := _impossible(written, options, cell))}
    matrix = _begin(written, axes)
    found: dict[str, CellResult] = {}

    def take(it: CellResult) -> None:
        found[it.cell.lab] = it
        matrix.results = [found[cell.lab] for cell in cells if cell.lab in found]
        matrix.save()
        on_result(it)

    for cell in cells:
        if cell.lab in impossible:
            take(CellResult(cell, IMPOSSIBLE, 0.0, impossible[cell.lab]))
    runner = CellRunner(written, options, matrix.folder, keep, repeat, say)
    with runner.ended():
        for it in runner.each([cell for cell in cells if cell.lab not in impossible], jobs):
            take(it)
    return matrix


def run_bisection(
    written: Written,
    axis: Axis,
    options: ReproRequest,
    *,
    keep: bool = False,
    repeat: int | None = None,
    say: Say = lambda _cell, _text: None,
    on_result: Callable[[CellResult], None] = lambda _: None,
) -> Matrix:
    """Find the first version on AXIS, of which only the ends are given, that has another verdict than the oldest.

    Raises UsageError for an axis that is no component's version, ArtefactError if the index does not answer.
    """
    versions = versions_between(written, axis, options)
    axis = Axis(axis.path, versions)
    cells = dict(zip(versions, make_cells(written.value.name, (axis,), beside_words(options)), strict=True))
    matrix = _begin(written, (axis,))
    runner = CellRunner(written, options, matrix.folder, keep, repeat, say)

    def judge(version: str) -> CellResult:
        cell = cells[version]
        why = _impossible(written, options, cell)
        it = CellResult(cell, IMPOSSIBLE, 0.0, why) if why else runner.run(cell)
        matrix.results.append(it)
        matrix.save()
        on_result(it)
        return it

    with runner.ended():
        matrix.bisection = bisect(versions, judge)
    matrix.results = list(matrix.bisection.results)
    matrix.save()
    return matrix


def beside_words(options: ReproRequest) -> tuple[str, ...]:
    """What cells of two matrices may differ in beside their axes."""
    files = [str(path.resolve()) for path in options.files]
    return (*options.overrides, *files, options.provider or "", options.profile or "")


def versions_between(written: Written, axis: Axis, options: ReproRequest) -> tuple[str, ...]:
    """The versions that there are from one end of AXIS to the other, oldest first."""
    kind, _, component = axis.path.partition(".")
    where = f"--over {axis.path}={','.join(axis.values)}"
    if kind != "versions" or len(axis.values) != 2:
        raise UsageError(
            "--bisect needs the two ends of one component's versions",
            where=where,
            cure="for example --over versions.patroni=3.0.1,3.0.4 --bisect; other values go with --set",
        )
    lab = lab_of(request_of(written, options)).lab
    if component not in lab.components:
        raise UnknownNameError("component in this lab", component, lab.components, where=where)
    source = lab.components[component].manifest.other_versions
    if source is None:
        raise UsageError(f"there is no choice of versions of {component} to search", where=where)
    try:
        offered = offered_versions(source)
    except SourceFailed as why:
        raise ArtefactError(f"the versions of {component} cannot be had: {why}", where=where) from None
    first, last = sorted(axis.values, key=Version)
    inside = [it for it in offered if Version(first) < Version(it) < Version(last) and not source.problem(it)]
    return (first, *sorted(inside, key=Version), last)


def _begin(written: Written, axes: tuple[Axis, ...]) -> Matrix:
    started = datetime.now(UTC)
    stamp = f"{started:%Y%m%d-%H%M%S}-{random.token_hex(2)}"
    folder = state_folder() / FOLDER / f"{written.value.name}-{stamp}"
    folder.mkdir(parents=True, mode=0o700)
    return Matrix(written, axes, folder, started)


def _impossible(written: Written, options: ReproRequest, cell: Cell) -> tuple[str, ...]:
    """Why a lab with the cell's values cannot be; a name that means nothing is a mistake, and raised."""
    try:
        check_references(written, lab_of(request_of(written, _for(options, cell))).lab)
    except (UnknownNameError, DocumentError) as error:
        if error.where in {f"--set {word}" for word in cell.words}:
            error.where = str(error.where).replace("--set", "--over", 1)
        raise
    except UsageError as why:
        return tuple([why.what] if not why.detail else why.detail)
    return ()


def _for(options: ReproRequest, cell: Cell) -> ReproRequest:
    words = (*options.overrides, *cell.words)
    return ReproRequest(cell.lab, options.provider, options.profile, words, options.files, options.components)
