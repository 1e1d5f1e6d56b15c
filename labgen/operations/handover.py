"""A switchover: one member hands the lead over to another, and follows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from labgen.errors import LabgenError, OperationError
from labgen.operations.choice import choose, leader_of
from labgen.operations.patroni import Patroni, until
from labgen.operations.view import View

TIMEOUT = 300.0
"""Seconds for the old leader to follow: it is shut down in order, perhaps rewound, and started again."""
OFF = (None, False, "off", "false", "no", "0")


@dataclass(frozen=True)
class Handover:
    """What came of it. led: seconds until the new leader took writes; whole: until all that had streamed did again."""

    old: str
    new: str
    before: View
    after: View
    led: float
    whole: float


def hand_over(
    patroni: Patroni, to: str | None, progress: Callable[[str], None], avoid: Collection[str] = ()
) -> Handover:
    """Hand over to TO, else to the best replica but those in AVOID; raises OperationError if that cannot be."""
    lab = patroni.lab.name
    wanted = None if to is None else patroni.known(to)
    before, config = patroni.view(), patroni.config()
    old = leader_of(before, lab).name
    new = choose(
        before,
        wanted,
        lab=lab,
        synchronous=config.get("synchronous_mode") not in OFF,
        most=config.get("maximum_lag_on_failover"),
        avoid=avoid,
    )
    try:
        patroni.status(old)
    except LabgenError as why:
        raise OperationError(
            f"the leader {old} does not answer: it cannot hand over",
            where=lab,
            detail=[why.what],
            cure=f"another one takes over when its lease in the DCS has ended, after {config.get('ttl')} seconds; "
            f"labgen up {lab} brings {old} back",
        ) from None
    # Who streams now has to stream again, from the new leader; a replica that was broken before is not waited for.
    followers = ({name for name in before.members if before.follows(name)} | {old}) - {new}
    progress(f"{old} hands over to {new}")
    began = time.monotonic()
    # Patroni answers when somebody else leads, or gives up after twice the longer of loop_wait and 10 seconds.
    longest = 2 * max(10, int(config.get("loop_wait", 10))) + 30
    answer = patroni.post(old, "switchover", {"leader": patroni.member(old), "candidate": patroni.member(new)}, longest)
    if "instead of" in answer:
        raise OperationError(answer, where=lab, cure=f"labgen logs {lab} {new} -u patroni shows why {new} did not lead")
    until(f"lead of {new}", TIMEOUT, lambda: patroni.takes_writes(new), lab=lab)
    led = time.monotonic() - began
    progress(f"{new} leads; {old} has to follow it")
    until(f"replica {old} that streams", TIMEOUT, lambda: followers <= patroni.streaming(new), lab=lab)
    whole = time.monotonic() - began
    # What each member says of itself it writes down in its next round.
    progress(f"{old} streams from {new}; the others are told")
    after = until("cluster in which all follow", TIMEOUT, lambda: _settled(patroni, new, followers), lab=lab)
    return Handover(old, new, before, after, led, whole)


def _settled(patroni: Patroni, leader: str, followers: Collection[str]) -> View | None:
    view = patroni.view()
    leads = view.leader is not None and view.leader.name == leader and view.leader.state == "running"
    return view if leads and all(view.follows(name) for name in followers) else None
