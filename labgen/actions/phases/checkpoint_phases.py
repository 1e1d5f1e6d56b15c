"""The phases of `up` that have to do with checkpoints: bring the lab back to one, or name one that could be."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from labgen.actions.lab.render import machines_of
from labgen.actions.phases.base import Run
from labgen.actions.session.open import OpenLab
from labgen.checkpoint import Checkpoint, CheckpointStore, LabVersion, differences, version_of
from labgen.checkpoint.clocks import set_clocks
from labgen.errors import OperationError
from labgen.plan import Plan, StepId, build_plan
from labgen.providers import Endpoint, Snapshotter, require_snapshotter
from labgen.provision import Connections, Journal, pending_steps, step_digests
from labgen.render.lab import render_lab
from labgen.render.model import Rendered
from labgen.system.files import write_atomically

PAUSE = 1.0
"""Seconds between two questions where the machines are."""


class Restore:
    """The machines as a checkpoint has them; goes on with a restore that was cut off."""

    title = "Restore"

    def needed(self, run: Run) -> bool:
        run.restore = run.restore or store_of(run.opened).under_way()
        return run.restore is not None

    def run(self, run: Run) -> None:
        store, snapshotter = store_of(run.opened), require_snapshotter(run.provider, run.lab.name)
        found = store.get(str(run.restore))
        refuse_incomplete(run.opened, snapshotter, found)
        store.begin_restore(found.name)
        run.reporter.note(f"{run.lab.name} goes back to {found.name}, saved {found.saved[:19]}Z")
        # Before the machines: if this is cut off, a machine that is made anew is known to have nothing done on it.
        write_atomically(run.folder.journal, found.journal.encode(), 0o600)
        write_atomically(run.folder.known_hosts, found.known_hosts.encode(), 0o644)
        if not snapshotter.live:
            journal = Journal(run.folder.journal)
            journal.forget(step.id for step in run.plan.of_stage("start", "ready"))
            journal.close()
        snapshotter.restore(run.lab, found.snapshot_id, lambda images: _boot(run, images))
        if snapshotter.live:
            _set_clocks(run, found)
        store.end_restore()
        run.look()


def _boot(run: Run, images: Mapping[str, str]) -> None:
    """Vagrant makes the machines from IMAGES; the Render that follows puts the lab's own images back."""
    machines = replace(machines_of(run.lab, baked=run.opened.record.baked), images=images)
    rendered = render_lab(run.lab, run.plan, run.folder.secrets(run.lab), run.folder.keys(), machines)
    for path, file in rendered.items():
        if path == "Vagrantfile" or path.startswith("vagrant/"):
            (run.folder.rendered / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(run.folder.rendered / path, file.text.encode(), file.mode)
    run.vagrant.up((), provider=run.lab.provider, timeout=run.boot_timeout)


def _set_clocks(run: Run, found: Checkpoint) -> None:
    """Where the machines were reached when they were saved: they have the same addresses again."""
    places = {node: Endpoint(*place, run.folder.key) for node, place in found.hosts.items()}
    patience = run.ssh_timeout
    run.reporter.progress("setting the clocks")
    with Connections(places, run.folder.known_hosts, timeout=patience) as connections:
        set_clocks(connections, run.lab.name)
    # Only now are the leases of their addresses sure to be renewed, by which Vagrant finds them.
    ends = time.monotonic() + patience
    while set(run.provider.endpoints(run.lab, run.vagrant, run.folder.key)) < set(places) and time.monotonic() < ends:
        time.sleep(PAUSE)


class Resume:
    """Machines that stand still because a save was killed go on."""

    title = "Resume"

    def needed(self, run: Run) -> bool:
        return run.provider.snapshotter is not None and "paused" in run.states.values()

    def run(self, run: Run) -> None:
        snapshotter = require_snapshotter(run.provider, run.lab.name)
        snapshotter.unpause(run.lab)
        run.look()
        if snapshotter.live:
            places = run.provider.endpoints(run.lab, run.vagrant, run.folder.key)
            with Connections(places, run.folder.known_hosts, timeout=run.ssh_timeout) as connections:
                set_clocks(connections, run.lab.name)


class SuggestCheckpoint:
    """A checkpoint in which this very lab was well, named before the lab is provisioned again."""

    title = "Checkpoints"

    def needed(self, run: Run) -> bool:
        run.offer = None if run.restore else _offer(run)
        return run.offer is not None

    def run(self, run: Run) -> None:
        assert run.offer is not None  # noqa: S101 - `needed` found it
        run.reporter.note(
            f"the lab as it was verified {run.offer.saved[:19]}Z can be had at once: "
            f"labgen checkpoint restore {run.lab.name} {run.offer.name}"
        )


def _offer(run: Run) -> Checkpoint | None:
    verified = [it for it in store_of(run.opened).all() if it.condition == "verified"]
    snapshotter = run.provider.snapshotter
    if not verified or snapshotter is None:
        return None
    digests = step_digests(run.plan, run.folder.rendered, run.lab.artefact_names)
    if set(run.states.values()) == {"running"} and not _pending(run, digests):
        return None
    now = version_of(run.lab, digests)
    kept = snapshotter.kept(run.lab)
    whole = [it for it in verified if set(run.nodes) <= kept.get(it.snapshot_id, set())]
    fitting = [it for it in whole if not differences(it.version, now)]
    return fitting[-1] if fitting else None


def _pending(run: Run, digests: Mapping[StepId, str]) -> tuple[StepId, ...]:
    journal = Journal(run.folder.journal)
    try:
        return pending_steps(run.wanted, digests, journal)
    finally:
        journal.close()


def store_of(opened: OpenLab) -> CheckpointStore:
    """The records of the lab's checkpoints."""
    return CheckpointStore(opened.lab.name, opened.folder.checkpoints, opened.folder.restoring)


def refuse_incomplete(opened: OpenLab, snapshotter: Snapshotter, found: Checkpoint) -> None:
    """Raise OperationError if something that FOUND needs is gone from the provider."""
    gone = missing(opened, snapshotter, found)
    if gone:
        raise OperationError(
            f"the checkpoint {found.name} is not whole: what it kept of {', '.join(gone)} is gone",
            where=opened.lab.name,
            cure=f"labgen checkpoint delete {opened.lab.name} {found.name}; with libvirt it goes with the machine",
        )


def missing(opened: OpenLab, snapshotter: Snapshotter, found: Checkpoint) -> list[str]:
    """The lab's nodes of which FOUND has nothing any more."""
    kept = snapshotter.kept(opened.lab).get(found.snapshot_id, frozenset())
    return sorted(node.name for node in opened.lab.nodes if node.name not in kept)


def digests_now(opened: OpenLab) -> tuple[Plan, dict[StepId, str]]:
    """The lab's plan, and its steps' digests as `up` would find them now; nothing of the lab is written for that."""
    lab, folder, plan = opened.lab, opened.folder, build_plan(opened.lab)
    machines = machines_of(lab, baked=opened.record.baked)
    rendered = render_lab(lab, plan, folder.secrets(lab), folder.keys(), machines)
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=".version-") as place:
        _write(rendered, Path(place))
        artefacts = folder.rendered / "artefacts"
        (Path(place) / "artefacts").symlink_to(artefacts)
        names = {
            component: [name for name in files if (artefacts / name).is_file()]
            for component, files in lab.artefact_names.items()
        }
        return plan, step_digests(plan, Path(place), names)


def version_now(opened: OpenLab) -> LabVersion:
    return version_of(opened.lab, digests_now(opened)[1])


def _write(rendered: Rendered, place: Path) -> None:
    for path, file in rendered.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(file.text)
