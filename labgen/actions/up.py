"""`up`: from a blueprint to a verified lab."""

from __future__ import annotations

from dataclasses import replace

from labgen.actions.open import OpenLab, Wish, lab_of
from labgen.actions.phases import Phase, Run, run_phases
from labgen.actions.reporter import Reporter
from labgen.actions.up_phases import Bake, Boot, Fetch, Lint, Preflight, Provision, Render, Verify
from labgen.actions.vagrant_lab import vagrant_of
from labgen.plan import build_plan
from labgen.providers import get_provider
from labgen.state import cache_folder

PHASES: tuple[Phase, ...] = (Preflight(), Fetch(), Bake(), Render(), Lint(), Boot(), Provision(), Verify())


def up(wish: Wish, reporter: Reporter) -> Run:
    """Bring the lab up and verify it; goes on where an earlier `up` stopped.

    Raises any LabgenError. A failed check is no error: it is in the Run's report.
    """
    opened = lab_of(wish, make=True)
    for note in opened.notes:
        reporter.note(note)
    with opened.folder.locked():
        return bring_up(opened, reporter)


def bring_up(opened: OpenLab, reporter: Reporter) -> Run:
    """All phases of `up` for a lab whose lock the caller holds."""
    run = Run(
        opened=opened,
        plan=build_plan(opened.lab),
        provider=get_provider(opened.lab.provider),
        vagrant=vagrant_of(opened, reporter.progress),
        reporter=reporter,
        cache=cache_folder(),
    )
    run_phases(PHASES, run)
    if opened.record.scale.by:
        # A `scale` that was cut off has come to its end too: the next one is another.
        replace(opened, record=replace(opened.record, scale=opened.record.scale.settled)).save()
    return run
