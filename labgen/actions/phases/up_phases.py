"""The phases of `up`, in their order."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from labgen.actions.cache.images import artefact_store, build_missing, image_specs, refuse_network
from labgen.actions.cache.lint import lint, lint_work, unpassed
from labgen.actions.lab.render import machines_of
from labgen.actions.phases.base import Run
from labgen.actions.phases.booting import Booting
from labgen.artefacts.link import link_into
from labgen.checks import run_checks
from labgen.errors import HostError, LabgenError, NodeError
from labgen.host.capacity import check_disk, check_memory
from labgen.images import ImageSpec
from labgen.plan.model import StepId
from labgen.providers import Endpoint, address_conflicts
from labgen.provision import (
    Connections,
    Journal,
    NodeReadiness,
    forget_host,
    get_ready,
    pending_steps,
    run_plan,
    send_artefacts,
    send_folder,
    step_digests,
)
from labgen.redact import Redactor
from labgen.render.folder import write_folder
from labgen.render.lab import render_lab

LOOK = 0.05  # seconds between two looks for the first machine
LATER = 120.0  # seconds after which Vagrant, which knows which machine does not answer, should have said so
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
        states = set(run.states.values())
        if states != {"running"}:
            self._check_room(run, states)
        # From here on there is a lab: one that `status` shows and `destroy` removes, however `up` ends.
        run.opened.save()

    def _check_room(self, run: Run, states: set[str]) -> None:
        conflicts = address_conflicts(run.lab)
        if conflicts:
            raise conflicts[0]
        if "running" not in states:
            check_memory(run.provider.memory_needed(run.lab))
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
        if run.offline:
            refuse_network(run.lab, baked=run.opened.record.baked, new=bool(_new_nodes(run)))
        store = artefact_store(run.lab, run.cache, offline=run.offline)
        run.artefacts = store.ensure_all(run.lab.components.values(), run.reporter.progress)


class Bake:
    """The images that new nodes boot from; a vendor's box is Vagrant's business."""

    title = "Bake images"

    def needed(self, run: Run) -> bool:
        # A machine that exists goes on with the disk it has; its steps tell what of them has changed since.
        return bool(_new_images(run))

    def run(self, run: Run) -> None:
        specs = _new_images(run)
        logs, progress = run.folder.logs / "images", run.reporter.progress
        build_missing(specs.values(), run.artefacts, run.cache, logs, progress, offline=run.offline)


def _new_images(run: Run) -> dict[str, ImageSpec]:
    """Node → image of those nodes that do not exist yet."""
    new = _new_nodes(run)
    return {node: spec for node, spec in image_specs(run.lab, baked=run.opened.record.baked).items() if node in new}


def _new_nodes(run: Run) -> tuple[str, ...]:
    """The nodes that have to be made. One that Vagrant has no id of was cut off while it was: it is made anew."""
    lost = run.vagrant.lost(run.nodes, run.lab.provider)
    return tuple(node for node, state in run.states.items() if state == "absent" or node in lost)


class Render(Always):
    """The lab's folder, as `labgen render` writes it."""

    title = "Render"

    def run(self, run: Run) -> None:
        run.secrets = run.folder.secrets(run.lab)
        machines = machines_of(run.lab, baked=run.opened.record.baked)
        run.machines = replace(machines, boot_timeout=int(run.boot_timeout))
        run.rendered = render_lab(run.lab, run.plan, run.secrets, run.folder.keys(), run.machines)
        write_folder(run.rendered, run.folder.rendered)
        link_into(run.folder.rendered / "artefacts", run.artefacts)


class Lint:
    """The rendered files, checked by the programs that will read them."""

    title = "Lint"

    def needed(self, run: Run) -> bool:
        run.lint = lint_work(run.lab, run.rendered, run.folder.rendered, baked=run.opened.record.baked)
        if run.lint.digest == run.folder.linted():
            return False
        left = unpassed(run.lint, run.secrets, run.cache)
        return bool(left.images or left.unchecked)

    def run(self, run: Run) -> None:
        assert run.lint is not None  # noqa: S101 - `needed` made it
        for line in lint(unpassed(run.lint, run.secrets, run.cache), run.secrets, run.cache):
            run.reporter.note(line)
        run.folder.keep_linted(run.lint.digest)


class Boot:
    """Machines that are not running are booted by Vagrant; it ends with the first one, where that can be seen."""

    title = "Boot"

    def needed(self, run: Run) -> bool:
        # Asked again: while images were built, minutes may have passed.
        states = run.look()
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
        journal.forget(step.id for step in run.plan.of_stage("start", "ready"))
        journal.close()
        forget_host(run.folder.known_hosts, run.new)
        run.booting = Booting(lambda: _vagrant_up(run), run.vagrant.interrupt)
        get_ready()
        if not run.provider.seen_while_booting:
            run.booting.wait()
        # The first machine can be worked on while Vagrant makes the others.
        while not run.booting.over and not _running(run, run.booted):
            time.sleep(LOOK)
        run.booting.check()


def _vagrant_up(run: Run) -> None:
    run.vagrant.up(
        () if len(run.booted) == len(run.nodes) else run.booted,
        provider=run.lab.provider,
        timeout=run.boot_timeout + LATER,
    )


def _running(run: Run, nodes: Collection[str]) -> tuple[str, ...]:
    """Those of NODES that Vagrant has booted so far."""
    lost = run.vagrant.lost(nodes, run.lab.provider)
    if len(lost) == len(nodes):
        return ()  # known without asking the provider
    states = run.look()
    return tuple(node for node in nodes if node not in lost and states[node] == "running")


class Provision(Always):
    """The steps that are not done yet, over SSH: on each node as soon as it answers, on all at the same time."""

    title = "Provision"

    def run(self, run: Run) -> None:
        assert run.machines is not None  # noqa: S101 - Render comes before
        run.connections = Connections(_endpoints(run), run.folder.known_hosts, timeout=run.ssh_timeout)
        digests = step_digests(run.wanted, run.folder.rendered, run.lab.artefact_names)
        journal = Journal(run.folder.journal)
        try:
            if run.machines.baked:
                # The image that a new machine was made from holds its install steps.
                for step in run.wanted.of_stage("install"):
                    if step.id.node in run.new and not run.lab.components[step.id.component].own:
                        journal.done(step.id, digests[step.id])
            if pending := pending_steps(run.wanted, digests, journal):
                run.reporter.steps(len(pending))
                run_plan(
                    run.wanted,
                    run.connections,
                    digests,
                    journal,
                    run.folder.logs,
                    observer=run.reporter,
                    awaited=_arrivals(run, run.connections, pending),
                    lab=run.lab.name,
                    hide=Redactor(run.secrets),
                )
        except LabgenError:
            if run.booting is not None:
                # Not cut off, though it is of no use any more: the machines that it is making would be lost.
                run.booting.wait()
            raise
        finally:
            journal.close()
        if run.booting is not None:
            run.booting.wait()
            run.booting.check()
            run.connections.add(_endpoints(run))


def _endpoints(run: Run) -> dict[str, Endpoint]:
    return run.provider.endpoints(run.lab, run.vagrant, run.folder.key)


def _arrivals(run: Run, connections: Connections, pending: tuple[StepId, ...]) -> NodeReadiness:
    """Every node with a step to run, taken in when it answers: it gets its files; artefacts where it installs."""
    names = run.lab.artefact_names
    files = {
        node: [
            run.folder.rendered / "artefacts" / name
            for component in {step.component for step in pending if step.node == node and step.stage == "install"}
            for name in names[component]
        ]
        for node in {step.node for step in pending}
    }

    def find(nodes: Collection[str]) -> Collection[str]:
        if run.booting is None:
            return nodes
        run.booting.check()
        over = run.booting.over
        found = tuple(node for node in nodes if node not in run.booted)
        found += _running(run, tuple(node for node in nodes if node in run.booted))
        if over and (lost := set(nodes) - set(found)):
            raise NodeError(
                f"Vagrant has booted {', '.join(sorted(lost))}, but it does not run",
                where=run.folder.logs,
                cure=f"look into Vagrant's log, then repeat: labgen up {run.lab.name}",
            )
        if found:
            connections.add(_endpoints(run))
        return found

    def take_in(node: str) -> None:
        send_folder(connections[node], run.folder.rendered, node)
        if files[node]:
            send_artefacts(connections[node], files[node])

    return NodeReadiness(files, find, take_in)


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
            sequential=run.provider.emulated,
        )
