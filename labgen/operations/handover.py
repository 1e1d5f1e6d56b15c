"""A switchover: one member hands the lead over to another, and follows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from labgen.errors import LabgenError, OperationError
from labgen.operations.choice import NotYetError, choose, leader_of
from labgen.operations.patroni import POLL, Patroni, until
from labgen.operations.view import View
from labgen.system.waiting import WaitTimeout, wait_until

TIMEOUT = 300.0
"""Seconds for the old leader to follow: it is shut down in order, perhaps rewound, and started again."""
PASSES = 60.0
"""Seconds for a member that comes back to follow, and to say so: a few rounds of Patroni."""
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
    patroni.view()  # which finds one that answers
    config = patroni.config()
    before, new = _chosen(patroni, config, wanted, progress, avoid)
    old = leader_of(before, lab).name
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


def _chosen(
    patroni: Patroni,
    config: Mapping[str, Any],
    wanted: str | None,
    progress: Callable[[str], None],
    avoid: Collection[str],
) -> tuple[View, str]:
    """The cluster, and who of it takes over. Right after a failover nobody may: that passes, and is waited for."""

    def look() -> tuple[View, str]:
        view = patroni.view()
        new = choose(
            view,
            wanted,
            lab=patroni.lab.name,
            synchronous=config.get("synchronous_mode") not in OFF,
            most=config.get("maximum_lag_on_failover"),
            avoid=avoid,
        )
        return view, new

    try:
        return look()
    except NotYetError as why:
        progress(f"{why.what}: waiting up to {PASSES:.0f} s for that to pass")
    try:
        return wait_until("member that can take over", look, PASSES, poll=POLL, forgive=NotYetError)
    except WaitTimeout as late:
        raise (late.why or late) from None


def _settled(patroni: Patroni, leader: str, followers: Collection[str]) -> View | None:
    view = patroni.view()
    leads = view.leader is not None and view.leader.name == leader and view.leader.state == "running"
    return view if leads and all(view.follows(name) for name in followers) else None
