"""Every figure of a drill, computed from its log alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from labgen.drill.judge.entries import ClientOp, OpResult, Sighting, Witness, acknowledged
from labgen.drill.judge.leaders import Overlap, glimpsed, leading, overlaps
from labgen.drill.judge.log import Log

STALL = 2.0
"""Seconds without any attempt on a path after which the load itself counts as having stood still."""


@dataclass(frozen=True)
class PathFigures:
    """What one path's clients went through. Times in seconds; `outage` is the longest time between two yeses.

    outage_before: the longest before the first fault, which is what the probing itself cannot see below. new_timeline:
    from the first fault to the first yes on a later timeline than before. recovered_before_heal: yeses came when
    healing began, before any of it could help; None if nothing was healed. open: no yes came any more after the longest
    outage had begun. stalls: when the load did nothing.
    """

    path: str
    reads: bool
    attempts: int
    ok: int
    fail: int
    unknown: int
    outage: float
    outage_from: float
    outage_before: float
    new_timeline: float | None
    recovered_before_heal: bool | None
    open: bool
    stalls: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Measures:
    """A drill's figures. Seconds count from the start of the first fault, None where it never came.

    key: until the DCS named another leader; promoted: until another node was seen out of recovery; elsewhere: until
    another server acknowledged a write on a later timeline; fully_replicated: until all members streamed again;
    replica_rejoin: the same since the last healing ended. lost: acknowledged and missing; recovered: unknown and there;
    unexpected: there though refused or never tried; None where rows were not counted. forked: acknowledged on the old
    timeline after one had been on the new. glimpsed: nodes that were seen once to take writes while another one did, of
    which nobody knows for how long.
    """

    paths: tuple[PathFigures, ...]
    fault: float | None
    timeline: int | None
    later_timeline: int | None
    key: float | None
    promoted: float | None
    elsewhere: float | None
    fully_replicated: float | None
    replica_rejoin: float | None
    lost: tuple[str, ...] | None
    recovered: tuple[str, ...] | None
    unexpected: tuple[str, ...] | None
    forked: tuple[str, ...]
    overlaps: tuple[Overlap, ...]
    twice: tuple[str, ...] = field(default=())
    glimpsed: tuple[str, ...] = field(default=())

    @property
    def took_over(self) -> float | None:
        """Seconds from the fault to the first sign of another leader; one that steps down and leads again is none."""
        signs = (self.key, self.promoted, self.elsewhere)
        return min((sign for sign in signs if sign is not None), default=None)


def measure(log: Log) -> Measures:
    """All figures of LOG."""
    fault = log.faults[0].start if log.faults else None
    timeline, leader = log.begin.timeline, log.begin.leader
    end, spans = log.load_end, leading(log)
    paths = tuple(_path(about.name, about.reads, log, fault, timeline, end) for about in log.begin.paths)
    later = [one.timeline for one in acknowledged(log.writes) if one.timeline and timeline and one.timeline > timeline]
    lost, recovered, unexpected = _rows(log)
    whole = log.fully_replicated
    return Measures(
        paths=paths,
        fault=fault,
        timeline=timeline,
        later_timeline=max(later, default=None),
        key=_since(fault, (s for s in log.sightings if s.by is Witness.DCS and s.leader and s.leader != leader)),
        promoted=_since(fault, (s for s in log.sightings if s.by is Witness.SQL and s.leads and s.node != leader)),
        elsewhere=_elsewhere(log, fault, timeline),
        fully_replicated=None if fault is None or whole is None else whole - fault,
        replica_rejoin=None if not log.heals or whole is None else max(whole - log.heals[-1].end, 0.0),
        lost=lost,
        recovered=recovered,
        unexpected=unexpected,
        forked=_forked(log.writes),
        overlaps=tuple(overlaps(log, spans)),
        twice=_twice((*log.writes, *log.reads)),
        glimpsed=tuple(glimpsed(log, spans)),
    )


def _path(name: str, reads: bool, log: Log, fault: float | None, timeline: int | None, end: float) -> PathFigures:
    mine = [one for one in (log.reads if reads else log.writes) if one.path == name]
    yes = sorted(one.end for one in acknowledged(mine))
    first = mine[0].start if mine else 0.0
    before_until = end if fault is None else fault
    outage, outage_from, is_open = _longest([first, *yes], end, since=0.0 if fault is None else fault)
    later = [one.end for one in acknowledged(mine) if one.timeline and timeline and one.timeline > timeline]
    last_fault = log.faults[-1].end if log.faults else 0.0
    return PathFigures(
        path=name,
        reads=reads,
        attempts=len(mine),
        ok=len(yes),
        fail=sum(one.result is OpResult.FAIL for one in mine),
        unknown=sum(one.result is OpResult.UNKNOWN for one in mine),
        outage=outage,
        outage_from=outage_from,
        outage_before=max((b - a for a, b in pairwise(t for t in [first, *yes] if t <= before_until)), default=0.0),
        new_timeline=None if fault is None or not later else max(min(later) - fault, 0.0),
        recovered_before_heal=_recovered(mine, last_fault, log.heals[0].start) if log.heals else None,
        open=is_open,
        stalls=tuple(_stalls(mine, end)),
    )


def _recovered(attempts: Iterable[ClientOp], fault: float, healing: float) -> bool:
    # One that was on its way when the fault struck proves nothing.
    return any(one.start >= fault and healing - STALL <= one.end <= healing for one in acknowledged(attempts))


def _longest(times: Sequence[float], end: float, since: float) -> tuple[float, float, bool]:
    """The longest pause in TIMES that is not over before SINCE, up to END: length, start, whether it stays open."""
    pauses = [(b - a, a, False) for a, b in pairwise(times) if b >= since]
    if times:
        pauses.append((end - times[-1], times[-1], True))
    length, start, is_open = max(pauses, default=(0.0, 0.0, True))
    # Between the last yes and the end of the load there is always a little.
    return length, start, is_open and length > 1.0


def _stalls(attempts: Sequence[ClientOp], end: float) -> Iterable[tuple[float, float]]:
    if not attempts:
        return
    busy_until = attempts[0].end
    for one in attempts[1:]:
        if one.start - busy_until > STALL:
            yield busy_until, one.start
        busy_until = max(busy_until, one.end)
    if end - busy_until > STALL:
        yield busy_until, end


def _rows(log: Log) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, tuple[str, ...] | None]:
    if log.rows is None:
        return None, None, None
    there = set(log.rows)
    outcome = {one.id: one.result for one in log.writes}
    lost = [key for key, result in outcome.items() if result is OpResult.OK and key not in there]
    recovered = [key for key, result in outcome.items() if result is OpResult.UNKNOWN and key in there]
    unexpected = [key for key in log.rows if outcome.get(key, OpResult.FAIL) is OpResult.FAIL]
    return tuple(lost), tuple(recovered), tuple(unexpected)


def _since(fault: float | None, sightings: Iterable[Sighting]) -> float | None:
    if fault is None:
        return None
    return next((seen.time - fault for seen in sightings if seen.time >= fault), None)


def _elsewhere(log: Log, fault: float | None, timeline: int | None) -> float | None:
    if fault is None or timeline is None:
        return None
    yes = list(acknowledged(log.writes))
    old = {one.server for one in yes if one.end <= fault}
    later = (one.end for one in yes if one.timeline and one.timeline > timeline and one.server not in old)
    first = min(later, default=None)
    return None if first is None else max(first - fault, 0.0)


def _forked(writes: Sequence[ClientOp]) -> tuple[str, ...]:
    """Writes begun after another one had been acknowledged on a later timeline, and acknowledged on an earlier one."""
    known = [one for one in acknowledged(writes) if one.timeline is not None]
    forked, latest = [], 0
    pending = sorted(known, key=lambda one: one.end)
    at = 0
    for one in sorted(known, key=lambda one: one.start):
        while at < len(pending) and pending[at].end <= one.start:
            latest = max(latest, pending[at].timeline or 0)
            at += 1
        if (one.timeline or 0) < latest:
            forked.append(one.id)
    return tuple(forked)


def _twice(attempts: Iterable[ClientOp]) -> tuple[str, ...]:
    seen: set[str] = set()
    again = []
    for one in attempts:
        if one.id in seen:
            again.append(one.id)
        seen.add(one.id)
    return tuple(again)
