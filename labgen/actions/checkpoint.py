"""`checkpoint`: keep all nodes of a lab as they are at one moment, and bring them back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labgen.actions.lab.up import UpResult, bring_up
from labgen.actions.session.checkpoints import digests_now, missing, refuse_incomplete, store_of, version_now
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import OpenLab, existing_lab
from labgen.actions.session.reporter import Reporter
from labgen.actions.session.vagrant import vagrant_of
from labgen.checkpoint import (
    Checkpoint,
    CheckpointStore,
    LabVersion,
    check_name,
    differences,
    new_snapshot_id,
    version_of,
)
from labgen.checkpoint.clocks import set_clocks
from labgen.checks import Status, run_checks
from labgen.errors import HostError, LabgenError, OperationError, UsageError
from labgen.faults.undo import left_over
from labgen.host.capacity import free_disk
from labgen.plan import Plan, StepId, by_component
from labgen.providers import Provider, Snapshotter, get_provider, require_snapshotter, uninterruptible
from labgen.provision import Connections, Journal, pending_steps
from labgen.state import find_lab

SETTLE = 10.0
"""Seconds that a check has before a save, if the lab is just coming to rest."""
SETTLE_RESUMED = 90.0
"""The same where machines stood still, and a lease may have run out meanwhile."""
SPARE = 1024
"""MiB of disk that a save leaves free."""


@dataclass(frozen=True)
class _Place:
    """What every action on checkpoints needs. The caller holds the lab's lock."""

    opened: OpenLab
    provider: Provider
    snapshotter: Snapshotter
    store: CheckpointStore

    @property
    def name(self) -> str:
        return self.opened.lab.name

    def clean(self) -> None:
        """What a save that was cut off has left behind goes."""
        counted = {checkpoint.snapshot_id for checkpoint in self.store.all()}
        for snapshot_id in self.snapshotter.kept(self.opened.lab).keys() - counted:
            self.snapshotter.drop(self.opened.lab, snapshot_id)


def _alone(name: str) -> AbstractContextManager[None]:
    """The lock of the lab NAME; raises UnknownNameError, or LabBusyError."""
    folder = find_lab(name)
    # Which says what is wrong, if there is none.
    return folder.locked() if folder else existing_lab(name).folder.locked()


def _place(name: str) -> _Place:
    opened = existing_lab(name)
    provider = get_provider(opened.lab.provider)
    return _Place(opened, provider, require_snapshotter(provider, name), store_of(opened))


def save(name: str, checkpoint: str, reporter: Reporter, *, force: bool = False, verify: bool = True) -> Checkpoint:
    """Keep the lab NAME as CHECKPOINT; with FORCE in place of one of that name.

    verify: run the checks first, and write down whether they passed. Raises UnknownNameError, UsageError for a name
    that cannot be, OperationError where the lab is not in a condition to be kept, HostError without room on the disk.
    """
    check_name(checkpoint)
    with _alone(name):
        place = _place(name)
        lab, folder = place.opened.lab, place.opened.folder
        if place.store.has(checkpoint) and not force:
            raise UsageError(
                f"there is a checkpoint {checkpoint} already",
                where=name,
                cure=f"another name, or --force to replace it; labgen checkpoint list {name} shows all",
            )
        resumed = _go_on(place, reporter)
        _refuse_unsteady(place)
        place.clean()
        _check_room(place)
        plan, digests = digests_now(place.opened)
        pending = _pending(plan, digests, place.opened)
        reached = endpoints(place.opened)
        timeout = place.provider.ssh_timeout(len(lab.nodes))
        with Connections(reached, folder.known_hosts, timeout=timeout) as connections:
            connections.open()
            if resumed and place.snapshotter.live:
                set_clocks(connections, lab.name)
            condition, about = _condition(
                place, pending, connections, reporter, verify=verify, settle=SETTLE_RESUMED if resumed else SETTLE
            )
            reporter.phase("Save", "save")
            snapshot_id = new_snapshot_id()
            saved = datetime.now(UTC).isoformat(timespec="milliseconds")
            sizes = _keep(place, snapshot_id, connections)
        made = Checkpoint(
            name=checkpoint,
            snapshot_id=snapshot_id,
            saved=saved,
            condition=condition,
            about=about,
            sizes=sizes,
            hosts={node: (at.host, at.port, at.user) for node, at in reached.items()},
            pending=tuple(map(str, pending)),
            version=version_of(lab, digests),
            journal=folder.journal.read_text(),
            known_hosts=folder.known_hosts.read_text(),
        )
        place.store.put(made)
        place.clean()
        return made


def _keep(place: _Place, snapshot_id: str, connections: Connections) -> dict[str, int]:
    """The provider's part. One that is cut off leaves nothing, if it can be helped."""
    lab = place.opened.lab
    try:
        return place.snapshotter.save(lab, snapshot_id)
    except BaseException:
        with suppress(LabgenError):
            uninterruptible(lambda: place.snapshotter.drop(lab, snapshot_id))
        raise
    finally:
        if place.snapshotter.live:
            # They have stood still for as long as it took.
            with suppress(LabgenError):
                set_clocks(connections, lab.name)


def _go_on(place: _Place, reporter: Reporter) -> bool:
    """Whether machines stood still, since a save was killed: they go on. What a drill has paused is the drill's."""
    states = place.provider.states(place.opened.lab, vagrant_of(place.opened))
    if "paused" not in states.values() or left_over(place.opened.folder.path):
        return False
    reporter.note("an earlier save was cut off: its machines go on")
    place.snapshotter.unpause(place.opened.lab)
    return True


def _refuse_unsteady(place: _Place) -> None:
    """A checkpoint is of a lab that runs, all of it, and that nothing has left half-done."""
    if cut_off := place.store.under_way():
        raise OperationError(
            f"the lab is half-way back to the checkpoint {cut_off}",
            where=place.name,
            cure=f"labgen checkpoint restore {place.name} {cut_off} goes on",
        )
    states = place.provider.states(place.opened.lab, vagrant_of(place.opened))
    idle = [f"{node} is {state}" for node, state in states.items() if state != "running"]
    if idle:
        raise OperationError(
            "a checkpoint is of all nodes, and not all of them run",
            where=place.name,
            detail=idle,
            cure=f"labgen up {place.name}",
        )


def _check_room(place: _Place) -> None:
    room = place.snapshotter.space_needed(place.opened.lab)
    free = free_disk(room.place)
    if room.mib + SPARE > free:
        raise HostError(
            f"the checkpoint takes up to {room.mib} MiB of disk, {free} MiB are free",
            where=room.place,
            cure=f"make room: labgen checkpoint delete {place.name} NAME, labgen image prune",
        )


def _pending(plan: Plan, digests: Mapping[StepId, str], opened: OpenLab) -> tuple[StepId, ...]:
    journal = Journal(opened.folder.journal)
    try:
        return pending_steps(plan, digests, journal)
    finally:
        journal.close()


def _condition(
    place: _Place,
    pending: tuple[StepId, ...],
    connections: Connections,
    reporter: Reporter,
    *,
    verify: bool,
    settle: float,
) -> tuple[str, tuple[str, ...]]:
    """In what condition the lab is that is about to be saved, and what there is to say about it."""
    if pending:
        return "unfinished", tuple(by_component(pending))
    if not verify:
        return "unverified", ()
    reporter.phase("Verify", "verify")
    opened = place.opened
    report = run_checks(
        opened.lab,
        opened.folder.secrets(opened.lab),
        connections,
        on_result=reporter.checked,
        settle=settle,
        sequential=place.provider.emulated,
    )
    if report.passed:
        return "verified", ()
    return "failed", tuple(f"{it.name}: {it.detail}" for it in report.results if it.status is not Status.PASS)


def restore(name: str, checkpoint: str, reporter: Reporter) -> UpResult:
    """Bring the lab NAME back to CHECKPOINT, then verify it; one that was saved unfinished stays so, unverified.

    Returns the `up` that brings it to an end. Raises UnknownNameError, OperationError with the differences where the
    checkpoint is of another version of the lab, or what `up` raises.
    """
    with _alone(name):
        place = _place(name)
        found = place.store.get(checkpoint)
        plan, digests = digests_now(place.opened)
        refuse_other_version(name, found, version_of(place.opened.lab, digests))
        refuse_incomplete(place.opened, place.snapshotter, found)
        done = Plan(tuple(step for step in plan.steps if str(step.id) not in found.pending))
        return bring_up(place.opened, reporter, done if found.pending else None, restore=checkpoint)


def refuse_other_version(lab: str, found: Checkpoint, now: LabVersion) -> None:
    """Raise OperationError with the differences, if FOUND is not of the lab as it is NOW."""
    if other := differences(found.version, now):
        raise OperationError(
            f"the checkpoint {found.name} is of another version of the lab",
            where=lab,
            detail=other,
            cure=f"undo that, or take another checkpoint: labgen checkpoint list {lab} shows which fit",
        )


def checkpoint_lines(name: str) -> list[dict[str, Any]]:
    """The lab's checkpoints, oldest first, each with its size in MiB and what keeps it from being restored now."""
    place = _place(name)
    found = place.store.all()
    if not found:
        return []
    now = version_now(place.opened)
    lines = []
    for it in found:
        gone = missing(place.opened, place.snapshotter, it)
        hindrances = [*differences(it.version, now), *(f"what was kept of {node} is gone" for node in gone)]
        lines.append(
            {
                "name": it.name,
                "saved": it.saved,
                "condition": it.condition,
                "about": list(it.about),
                "mib": it.size >> 20,
                "fits": not hindrances,
                "differences": hindrances,
            }
        )
    return lines


def delete(name: str, checkpoint: str) -> Checkpoint:
    """Remove CHECKPOINT of the lab NAME, with all that is kept for it; raises UnknownNameError."""
    with _alone(name):
        place = _place(name)
        found = place.store.get(checkpoint)
        place.store.remove(checkpoint)
        place.snapshotter.drop(place.opened.lab, found.snapshot_id)
        place.clean()
        return found
