"""`repro`: make the lab that a reproduction is about, do what it says, and judge what is seen then."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from labgen.actions.checkpoint import restore as restore_checkpoint
from labgen.actions.checkpoint import save as save_checkpoint
from labgen.actions.drill import reaching, refuse_unhealed
from labgen.actions.lab.destroy import destroy
from labgen.actions.lab.up import UpResult, up
from labgen.actions.session.checkpoints import missing, store_of, version_now
from labgen.actions.session.open import LabRequest, existing_lab, lab_of
from labgen.actions.session.reporter import Reporter
from labgen.checkpoint import differences
from labgen.checks import CheckReport, CheckResult, Status
from labgen.errors import LabgenError, OperationError
from labgen.faults.undo import FILE, Undos
from labgen.lab.model import Lab
from labgen.plan.model import StepId
from labgen.providers import get_provider
from labgen.repro.context import begin
from labgen.repro.document import Written, check_references, find_reproduction, read_written, reproduction_files
from labgen.repro.model import Reproduction
from labgen.repro.play import Attempt, play
from labgen.repro.result import ReproOutcome, counted, keep
from labgen.state import find_lab

BEGINNING = "repro-beginning"
"""The checkpoint in which a lab is kept as it was before the actions."""


@dataclass(frozen=True)
class ReproRequest:
    """What the command line says beside the file, whose own name and profile count where it says nothing."""

    name: str | None = None
    provider: str | None = None
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    components: tuple[Path, ...] = ()


def request_of(written: Written, options: ReproRequest = ReproRequest()) -> LabRequest:
    """The lab that WRITTEN wants: its blueprint, with its own overrides first, then those of OPTIONS."""
    return LabRequest(
        lab=written.lab,
        name=options.name or written.value.name,
        provider=options.provider,
        profile=options.profile or written.value.profile,
        overrides=options.overrides,
        files=(written.path, *options.files),
        components=options.components,
    )


def validate_reproduction(word: str, options: ReproRequest = ReproRequest()) -> tuple[Reproduction, Lab]:
    """The reproduction that WORD means and its lab, if both are sound; raises DocumentError or UsageError if not."""
    written = read_written(find_reproduction(word))
    lab = lab_of(request_of(written, options)).lab
    check_references(written, lab)
    return written.value, lab


def reproductions_in(folder: Path | None) -> list[tuple[Path, Reproduction | None]]:
    """Every reproduction in FOLDER, or of those that ship with labgen; None for one that has problems."""
    found: list[tuple[Path, Reproduction | None]] = []
    for path in reproduction_files(folder).values():
        try:
            found.append((path, read_written(path).value))
        except LabgenError:
            found.append((path, None))
    return found


def run_reproduction(
    document: Path,
    reporter: Reporter,
    request: LabRequest | None = None,
    *,
    repeat: int | None = None,
    remove: bool = False,
    offline: bool = False,
    on_try: Callable[[Attempt], None] = lambda _: None,
) -> ReproOutcome:
    """Play the reproduction in the file DOCUMENT on the lab that WISH describes, which is made if it is not there.

    WISH None: as `request_of` says. repeat: how often, else as the document says. remove: the lab goes afterwards,
    whatever happens; else it is brought back to its beginning when the reproduction is run again. offline: it is made
    without any network.
    Raises DocumentError for problems, before anything boots, and what `up` raises if the lab cannot be made.
    """
    written = read_written(document)
    request = request or request_of(written)
    opened = lab_of(request, make=True)
    check_references(written, opened.lab)
    if opened.folder.exists():
        refuse_unhealed(opened)
    try:
        made = _ready(written.value, request, reporter, offline=offline)
        return _play_all(written.value, made, reporter, repeat or written.value.repeat, remove, on_try)
    finally:
        if remove and find_lab(opened.lab.name):
            reporter.phase("Destroy", "destroy")
            destroy(opened.lab.name)


def _play_all(
    document: Reproduction,
    made: UpResult,
    reporter: Reporter,
    repeat: int,
    remove: bool,
    on_try: Callable[[Attempt], None],
) -> ReproOutcome:
    """All tries, on the lab as it was MADE ready."""
    name = made.lab.name
    if sick := _sick(made.report):
        return ReproOutcome(document, made.lab, (), sick=sick)
    # Nobody will want the beginning back of a lab that goes at once.
    if repeat > 1 or not remove:
        _keep_beginning(made, reporter, needed=repeat > 1)
    tries: list[Attempt] = []
    for number in range(1, repeat + 1):
        if number > 1:
            _bring_back(name, reporter, ReproOutcome(document, made.lab, tuple(tries)))
        reporter.phase("Reproduce" if repeat == 1 else f"Try {number} of {repeat}", "reproduce")
        tries.append(_play(document, name, reporter))
        on_try(tries[-1])
        if tries[-1].unhealed:
            break
    outcome = ReproOutcome(document, made.lab, tuple(tries))
    outcome = replace(outcome, path=keep(outcome, made.folder.path))
    if left := tries[-1].unhealed:
        raise OperationError(
            f"{outcome.verdict.value}, but not everything could be healed",
            where=name,
            detail=left,
            cure=f"labgen drill heal {name} tries again; the result is in {outcome.path}",
        )
    return outcome


def _ready(document: Reproduction, request: LabRequest, reporter: Reporter, *, offline: bool) -> UpResult:
    """The lab as it is to be when the actions begin: new, or brought back to where it was kept for that."""
    opened = lab_of(request, make=True)
    store, snapshotter = store_of(opened), get_provider(opened.lab.provider).snapshotter
    if opened.folder.exists() and store.has(BEGINNING) and snapshotter is not None:
        found = store.get(BEGINNING)
        other = differences(found.version, version_now(opened))
        if other or missing(opened, snapshotter, found):
            raise beginning_lost(opened.lab.name, other)
        reporter.note(f"the lab {opened.lab.name} goes back to where it was before the actions")
        # The actions may have been edited: the lab keeps the document as it is now.
        opened.save()
        return restore_checkpoint(opened.lab.name, BEGINNING, reporter)
    return up(request, reporter, document.until, offline=offline)


def beginning_lost(lab: str, other: list[str]) -> OperationError:
    """A verdict on a lab that is as the last try left it would be worth nothing."""
    return OperationError(
        f"the lab {lab} is as the last try left it, and what was kept of its beginning does not fit any more",
        where=lab,
        detail=other or ["something that was kept is gone"],
        cure=f"labgen destroy {lab} --yes, then run it again; or make a second lab with another --name",
    )


def _keep_beginning(made: UpResult, reporter: Reporter, *, needed: bool) -> None:
    """Keep the lab as it is now, unless it is kept so already. NEEDED: raise HostError where that is impossible."""
    if made.restored != BEGINNING and (needed or get_provider(made.lab.provider).snapshotter is not None):
        save_checkpoint(made.lab.name, BEGINNING, reporter, force=True, verify=False)


def _bring_back(name: str, reporter: Reporter, so_far: ReproOutcome) -> None:
    again = restore_checkpoint(name, BEGINNING, _Quietly(reporter))
    if sick := _sick(again.report):
        raise OperationError(
            f"the lab is not healthy again for another try, after {counted(so_far.counts)}",
            where=name,
            detail=sick,
            cure=f"labgen verify {name} -v shows more",
        )


def _sick(report: CheckReport | None) -> tuple[str, ...]:
    """What is wrong with a lab before anything was done to it."""
    if report is None or report.passed:
        return ()
    return tuple(f"{it.name}: {it.detail}" for it in report.results if it.status is not Status.PASS)


def _play(document: Reproduction, name: str, reporter: Reporter) -> Attempt:
    opened = existing_lab(name)
    with opened.folder.locked(), reaching(opened) as nodes:
        secrets = opened.folder.secrets(opened.lab)
        reporter.progress("who is who?")
        files = [(it.log.on, it.log.file) for _, it in document.conditions() if it.log and it.log.file]
        units = [(it.log.on, it.log.unit) for _, it in document.conditions() if it.log and it.log.unit]
        scene = begin(opened.lab, secrets, nodes, files, units, cluster=document.until is None)
        undos = Undos(opened.folder.path / FILE, random.token_hex(4), f"reproduction {document.name}")
        return play(document, scene, nodes, undos, reporter.progress)


class _Quietly:
    """Says what is under way, and nothing that stays: what happens between two tries is of no interest afterwards."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def phase(self, title: str, name: str) -> None:  # noqa: ARG002
        self._reporter.progress(title)

    def progress(self, text: str) -> None:
        self._reporter.progress(text)

    def note(self, text: str) -> None: ...

    def steps(self, total: int) -> None: ...

    def started(self, step: StepId) -> None: ...

    def finished(self, step: StepId, seconds: float) -> None: ...

    def failed(self, step: StepId, seconds: float) -> None: ...

    def skipped(self, step: StepId) -> None: ...

    def checked(self, result: CheckResult) -> None: ...
