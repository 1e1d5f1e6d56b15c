"""The phases of `up`, in their order."""

from __future__ import annotations

from labgen.actions.images import build_missing, image_specs
from labgen.actions.lint import lint, lint_work
from labgen.actions.phases import Run
from labgen.actions.render import machines_of
from labgen.artefacts import ArtefactStore
from labgen.artefacts.link import link_into
from labgen.checks import run_checks
from labgen.errors import HostError
from labgen.host.capacity import check_disk, check_memory
from labgen.images import ImageSpec
from labgen.plan.model import StepId
from labgen.providers import address_conflicts, emulates
from labgen.provision import (
    Connections,
    Journal,
    forget_host,
    pending_steps,
    run_plan,
    send_artefacts,
    send_folders,
    step_digests,
)
from labgen.render.folder import write_folder
from labgen.render.lab import render_lab

SETTLE = 60.0  # seconds that a check is given right after the steps before its "no" counts


class Always:
    def needed(self, run: Run) -> bool:  # noqa: ARG002
        return True


class Preflight(Always):
    """Is this machine ready for this lab? Asked before anything is changed."""

    title = "Preflight"

    def run(self, run: Run) -> None:
        problems = run.provider.problems()
        if problems:
            raise problems[0] if len(problems) == 1 else _together(problems)
        states = set(run.provider.states(run.lab, run.vagrant).values())
        if states != {"running"}:
            self._check_room(run, states)
        # From here on there is a lab: one that `status` shows and `destroy` removes, however `up` ends.
        run.opened.save()

    def _check_room(self, run: Run, states: set[str]) -> None:
        conflicts = address_conflicts(run.lab)
        if conflicts:
            raise conflicts[0]
        if "running" not in states:
            check_memory(run.lab, run.provider.driver())
        if states == {"absent"}:
            check_disk(run.cache, images=0, nodes=len(run.lab.nodes))
            # Said while there is still time to think again, and not at each `up` of a lab that one has.
            for weakness in run.lab.weaknesses:
                run.reporter.note(f"warning: {weakness}")


def _together(problems: list[HostError]) -> HostError:
    detail = [f"{problem.what}: {problem.cure}" if problem.cure else problem.what for problem in problems]
    return HostError("this machine is not ready", detail=detail, cure="labgen doctor shows all that is looked at")


class Fetch(Always):
    """Artefacts into the cache."""

    title = "Fetch artefacts"

    def run(self, run: Run) -> None:
        run.artefacts = ArtefactStore(run.cache / "artefacts").ensure_all(
            run.lab.components.values(), run.reporter.progress
        )


class Bake:
    """The images that new nodes boot from; a vendor's box is Vagrant's business."""

    title = "Bake images"

    def needed(self, run: Run) -> bool:
        # A machine that exists goes on with the disk it has; its steps tell what of them has changed since.
        return bool(_new_images(run))

    def run(self, run: Run) -> None:
        specs = _new_images(run)
        build_missing(specs.values(), run.artefacts, run.cache, run.folder.logs / "images", run.reporter.progress)


def _new_images(run: Run) -> dict[str, ImageSpec]:
    """Node → image of those nodes that do not exist yet."""
    new = _new_nodes(run)
    return {node: spec for node, spec in image_specs(run.lab, baked=run.opened.record.baked).items() if node in new}


def _new_nodes(run: Run) -> tuple[str, ...]:
    """The nodes that have to be made. One that Vagrant has no id of was cut off while it was: it is made anew."""
    lost = run.vagrant.lost(run.nodes, run.lab.provider)
    states = run.provider.states(run.lab, run.vagrant)
    return tuple(node for node, state in states.items() if state == "absent" or node in lost)


class Render(Always):
    """The lab's folder, as `labgen render` writes it."""

    title = "Render"

    def run(self, run: Run) -> None:
        run.secrets = run.folder.secrets(run.lab)
        run.machines = machines_of(run.lab, baked=run.opened.record.baked)
        run.rendered = render_lab(run.lab, run.plan, run.secrets, run.folder.keys(), run.machines)
        write_folder(run.rendered, run.folder.rendered)
        link_into(run.folder.rendered / "artefacts", run.artefacts)


class Lint:
    """The rendered files, checked by the programs that will read them."""

    title = "Lint"

    def needed(self, run: Run) -> bool:
        run.lint = lint_work(run.lab, run.rendered, run.folder.rendered, baked=run.opened.record.baked)
        return run.lint.digest != run.folder.linted()

    def run(self, run: Run) -> None:
        assert run.lint is not None  # noqa: S101 - `needed` made it
        for line in lint(run.lint, run.secrets, run.cache):
            run.reporter.note(line)
        run.folder.keep_linted(run.lint.digest)


class Boot:
    """Machines that are not running are booted by Vagrant."""

    title = "Boot"

    def needed(self, run: Run) -> bool:
        states = run.provider.states(run.lab, run.vagrant)
        run.new = _new_nodes(run)
        run.booted = tuple(node for node, state in states.items() if state != "running" or node in run.new)
        return bool(run.booted)

    def run(self, run: Run) -> None:
        run.provider.reclaim(run.lab, run.new)
        # Forgotten before the boot, so that an `up` that ends between the two is gone on with rightly.
        journal = Journal(run.folder.journal)
        # A machine that is new has nothing done on it, whatever an earlier one of its name had.
        for node in run.new:
            journal.forget_node(node)
        # A cluster that was down in part has to show that it is ready again: start steps change nothing if it is.
        journal.forget(step.id for step in run.plan.of_stage("start"))
        journal.close()
        forget_host(run.folder.known_hosts, run.new)
        run.vagrant.up(
            () if len(run.booted) == len(run.nodes) else run.booted,
            provider=run.lab.provider,
            timeout=run.provider.boot_timeout(len(run.booted)),
        )


class Provision(Always):
    """The steps that are not done yet, over SSH."""

    title = "Provision"

    def run(self, run: Run) -> None:
        assert run.machines is not None  # noqa: S101 - Render comes before
        patience = run.provider.ssh_timeout(len(run.nodes))
        endpoints = run.provider.endpoints(run.lab, run.vagrant, run.folder.key)
        run.connections = Connections(endpoints, run.folder.known_hosts, timeout=patience)
        digests = step_digests(run.wanted, run.folder.rendered, run.lab.artefact_names)
        journal = Journal(run.folder.journal)
        try:
            if run.machines.baked:
                # The image that a new machine was made from holds its install steps.
                for step in run.wanted.of_stage("install"):
                    if step.id.node in run.new:
                        journal.done(step.id, digests[step.id])
            pending = pending_steps(run.wanted, digests, journal)
            if not pending:
                return
            run.reporter.steps(len(pending))
            self._send(run, pending)
            run_plan(
                run.wanted,
                run.connections,
                digests,
                journal,
                run.folder.logs,
                observer=run.reporter,
                lab=run.lab.name,
                secrets=[value for values in run.secrets.values() for value in values.values()],
            )
        finally:
            journal.close()

    def _send(self, run: Run, pending: tuple[StepId, ...]) -> None:
        """Every node with a step to run gets its files; artefacts only go where an install step runs."""
        assert run.connections is not None  # noqa: S101
        nodes = sorted({step.node for step in pending})
        run.connections.open(nodes)
        send_folders(run.connections, run.folder.rendered, nodes)
        names = run.lab.artefact_names
        for node in nodes:
            components = {step.component for step in pending if step.node == node and step.stage == "install"}
            files = [run.folder.rendered / "artefacts" / name for component in components for name in names[component]]
            if files:
                send_artefacts(run.connections[node], files)


class Verify:
    """The lab's checks: what `labgen verify` runs. A lab that is not to be finished yet has none to pass."""

    title = "Verify"

    def needed(self, run: Run) -> bool:
        return run.part is None

    def run(self, run: Run) -> None:
        assert run.connections is not None  # noqa: S101 - Provision comes before
        run.report = run_checks(
            run.lab,
            run.secrets,
            run.connections,
            on_result=run.reporter.checked,
            settle=SETTLE,
            gently=emulates(run.provider),
        )
