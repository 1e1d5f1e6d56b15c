"""`reinit`: a replica is copied anew from the leader."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from labgen.actions.session.cluster import patroni_of
from labgen.errors import OperationError
from labgen.operations import Patroni, View, leader_of, until

TIMEOUT = 1800.0
"""Seconds for the copy: a lab's database may be a large one."""


@dataclass(frozen=True)
class Copy:
    """What came of it; seconds: until the replica streamed again."""

    node: str
    leader: str
    after: View
    seconds: float


def reinit(name: str, node: str, progress: Callable[[str], None] = lambda _: None) -> Copy:
    """Throw away the data of the replica NODE and copy the leader's; wait until it streams.

    Raises UnknownNameError, or OperationError with the reason why this cannot be.
    """
    with patroni_of(name) as patroni:
        return copy_anew(patroni, node, progress)


def copy_anew(patroni: Patroni, node: str, progress: Callable[[str], None]) -> Copy:
    """The same for a cluster that is at hand."""
    lab = patroni.lab.name
    patroni.known(node)
    leader = leader_of(patroni.view(), lab).name
    if node == leader:
        raise OperationError(
            f"{node} is the leader: its data is what the others are copied from",
            where=lab,
            cure=f"labgen switchover {lab} makes another node the leader, then repeat the command",
        )
    before = _started(patroni, node)
    progress(f"{node} is copied from {leader}")
    began = time.monotonic()
    # Force: also when Patroni is busy trying to start what is broken.
    patroni.post(node, "reinitialize", {"force": True}, 60)

    def streams() -> View | None:
        now = _started(patroni, node)
        view = patroni.view()
        # Until PostgreSQL has been started anew it is the old one that streams.
        fresh = now is not None and now != before
        source = leader if view.leader is None else view.leader.name
        return view if fresh and view.follows(node) and node in patroni.streaming(source) else None

    after = until(f"replica {node} that streams from {leader}", TIMEOUT, streams, lab=lab)
    return Copy(node, leader, after, time.monotonic() - began)


def _started(patroni: Patroni, node: str) -> str | None:
    """When PostgreSQL on NODE was started; None while it does not run."""
    return patroni.status(node).get("postmaster_start_time")
