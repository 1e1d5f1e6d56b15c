"""`up`: from a blueprint to a verified lab."""

from __future__ import annotations

from dataclasses import replace

from labgen.actions.phases.base import Phase, Run, run_phases
from labgen.actions.phases.checkpoint_phases import Restore, Resume, SuggestCheckpoint
from labgen.actions.phases.up_phases import Bake, Boot, Fetch, Lint, Preflight, Provision, Render, Verify
from labgen.actions.session.open import LabRequest, OpenLab, lab_of
from labgen.actions.session.reporter import Reporter
from labgen.actions.session.vagrant import vagrant_of
from labgen.faults.undo import left_over
from labgen.plan import Plan, build_plan, by_component, plan_until
from labgen.providers import get_provider
from labgen.provision import Journal, pending_steps, step_digests
from labgen.state import cache_folder

PHASES: tuple[Phase, ...] = (
    Preflight(),
    Restore(),
    Resume(),
    Fetch(),
    Bake(),
    Render(),
    Lint(),
    SuggestCheckpoint(),
    Boot(),
    Provision(),
    Verify(),
)


def up(
    request: LabRequest,
    reporter: Reporter,
    until: str | None = None,
    *,
    offline: bool = False,
    patience: float | None = None,
) -> Run:
    """Bring the lab up and verify it; goes on where an earlier `up` stopped. offline: without any network.

    until: a stage or component to stop at (plan_until); the lab is not verified then, and the Run has no report.
    patience: seconds that a machine may take to answer, if not its provider's.
    Raises any LabgenError. A failed check is no error: it is in the Run's report.
    """
    opened = lab_of(request, make=True)
    part = None if until is None else plan_until(build_plan(opened.lab), until)
    for note in opened.notes:
        reporter.note(note)
    if undos := left_over(opened.folder.path):
        reporter.note(
            f"the {undos.what} was cut off and has left this lab unhealed: labgen drill heal {opened.lab.name}"
        )
    with opened.folder.locked():
        return bring_up(opened, reporter, part, offline=offline, patience=patience)


def bring_up(
    opened: OpenLab,
    reporter: Reporter,
    part: Plan | None = None,
    restore: str | None = None,
    *,
    offline: bool = False,
    patience: float | None = None,
) -> Run:
    """All phases of `up` for a lab whose lock the caller holds; of its steps only PART, if that is given.

    restore: the checkpoint that the lab is brought back to first.
    """
    run = Run(
        opened=opened,
        plan=build_plan(opened.lab),
        provider=get_provider(opened.lab.provider),
        vagrant=vagrant_of(opened, reporter.progress),
        reporter=reporter,
        cache=cache_folder(),
        part=part,
        restore=restore,
        offline=offline,
        patience=patience,
    )
    run_phases(PHASES, run)
    if part is not None:
        run.left = _left(run)
    elif opened.record.scale.by:
        # A `scale` that was cut off has come to its end too: the next one is another.
        replace(opened, record=replace(opened.record, scale=opened.record.scale.settled)).save()
    return run


def _left(run: Run) -> tuple[str, ...]:
    """What of the whole plan is still to be done."""
    digests = step_digests(run.plan, run.folder.rendered, run.lab.artefact_names)
    journal = Journal(run.folder.journal)
    try:
        return tuple(by_component(pending_steps(run.plan, digests, journal)))
    finally:
        journal.close()
