"""`up`: from a blueprint to a verified lab."""

from __future__ import annotations

from dataclasses import dataclass, replace

from labgen.actions.lab.ranges import in_a_free_range
from labgen.actions.phases.bake import Bake
from labgen.actions.phases.base import Rendering, UpRequest, run_if_needed, run_phase
from labgen.actions.phases.boot import Boot, ended
from labgen.actions.phases.fetch import Fetch
from labgen.actions.phases.lint import Lint
from labgen.actions.phases.machines import LabMachines
from labgen.actions.phases.preflight import Preflight
from labgen.actions.phases.provision import Provision
from labgen.actions.phases.render import Render
from labgen.actions.phases.restore import Restore
from labgen.actions.phases.resume import Resume
from labgen.actions.phases.suggest_checkpoint import SuggestCheckpoint
from labgen.actions.phases.verify import Verify
from labgen.actions.session.open import LabRequest, OpenLab, lab_of
from labgen.actions.session.reporter import Reporter
from labgen.actions.session.vagrant import vagrant_of
from labgen.checks import CheckReport
from labgen.faults.undo import left_over
from labgen.lab.model import Lab
from labgen.plan import Plan, build_plan, by_component, plan_until
from labgen.providers import get_provider
from labgen.provision import Connections, Journal, pending_steps, step_digests
from labgen.state import LabFolder, cache_folder


@dataclass(frozen=True)
class UpResult:
    """A lab that is up.

    report: None if only a subset of the steps was wanted; remaining: what that leaves undone, a line for each component
    and stage. restored: the checkpoint that the lab was brought back to.
    """

    opened: OpenLab
    plan: Plan
    report: CheckReport | None
    remaining: tuple[str, ...] = ()
    restored: str | None = None

    @property
    def lab(self) -> Lab:
        return self.opened.lab

    @property
    def folder(self) -> LabFolder:
        return self.opened.folder


def up(
    request: LabRequest,
    reporter: Reporter,
    until: str | None = None,
    *,
    offline: bool = False,
    boot_timeout: float | None = None,
) -> UpResult:
    """Bring the lab up and verify it; goes on where an earlier `up` stopped. offline: without any network.

    until: a stage or component to stop at (plan_until); the lab is not verified then, and there is no report.
    boot_timeout: seconds that a machine may take to answer, if not its provider's.
    Raises any LabgenError. A failed check is no error: it is in the report.
    """
    opened = lab_of(request, make=True)
    if until is not None:
        plan_until(build_plan(opened.lab), until)  # nothing is begun that has no end
    for note in opened.notes:
        reporter.note(note)
    if undos := left_over(opened.folder.path):
        reporter.note(
            f"the {undos.what} was cut off and has left this lab unhealed: labgen drill heal {opened.lab.name}"
        )

    def boot(it: OpenLab) -> UpResult:
        subset = None if until is None else plan_until(build_plan(it.lab), until)
        return bring_up(it, reporter, subset, offline=offline, boot_timeout=boot_timeout)

    with opened.folder.locked():
        return in_a_free_range(opened, reporter, boot)


def bring_up(
    opened: OpenLab,
    reporter: Reporter,
    subset: Plan | None = None,
    restore: str | None = None,
    *,
    offline: bool = False,
    boot_timeout: float | None = None,
) -> UpResult:
    """All phases of `up` for a lab whose lock the caller holds; of its steps only SUBSET, if that is given.

    restore: the checkpoint that the lab is brought back to first.
    """
    lab, provider = opened.lab, get_provider(opened.lab.provider)
    request = UpRequest(
        opened=opened,
        plan=build_plan(lab),
        machines=LabMachines(lab, provider, vagrant_of(opened, reporter.progress)),
        reporter=reporter,
        cache=cache_folder(),
        offline=offline,
        boot_timeout=boot_timeout,
        subset=subset,
        restore=restore,
    )
    result = run_phases(request)
    if subset is None and opened.record.scale.by:
        # A `scale` that was cut off has come to its end too: the next one is another.
        replace(opened, record=replace(opened.record, scale=opened.record.scale.settled)).save()
    return result


def run_phases(request: UpRequest) -> UpResult:
    """The phases of `up`, in their order."""
    tell = request.reporter
    run_phase(Preflight(request), tell)
    restored = run_if_needed(Restore(request), tell)
    run_if_needed(Resume(request), tell)
    artefacts = run_phase(Fetch(request), tell)
    run_if_needed(Bake(request, artefacts), tell)
    rendering = run_phase(Render(request, artefacts), tell)
    run_if_needed(Lint(request, rendering), tell)
    run_if_needed(SuggestCheckpoint(request, restored), tell)
    report = run_on_machines(request, rendering)
    remaining = () if request.subset is None else _remaining(request)
    return UpResult(request.opened, request.plan, report, remaining, restored)


def run_on_machines(request: UpRequest, rendering: Rendering) -> CheckReport | None:
    """The phases from the boot on; afterwards, whatever happened, the boot is over and all connections are closed."""
    tell = request.reporter
    boot = run_if_needed(Boot(request), tell)
    with Connections({}, request.folder.known_hosts, timeout=request.ssh_timeout) as connections, ended(boot):
        run_phase(Provision(request, rendering, boot, connections), tell)
        # A lab that is not to be finished yet has no checks to pass.
        return None if request.subset is not None else run_phase(Verify(request, rendering, connections), tell)


def _remaining(request: UpRequest) -> tuple[str, ...]:
    """What of the whole plan is still to be done."""
    digests = step_digests(request.plan, request.folder.rendered, request.lab.artefact_names)
    journal = Journal(request.folder.journal)
    try:
        return tuple(by_component(pending_steps(request.plan, digests, journal)))
    finally:
        journal.close()
