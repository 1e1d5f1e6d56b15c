"""When nobody was watching: what the observers left out, on which node, for how long.

Time that is not watched can hide two leaders. Nobody can watch a node without power, or one that stands still, until it
is healed and its observer runs again: only such a target is excused, and only for that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from labgen.drill.judge.entries import FaultEvent, Sighting, Witness
from labgen.drill.judge.log import Log

UNWATCHED = 2.0
"""Seconds without a look that are still no hole. Observers look every 0.25 s: eight looks in a row do not fail because
a machine is busy, and what the network does is not in their times, taken on the node. As much as for the load."""
BEFORE = 3.0
"""Seconds before the first fault from which on everybody is watched; the load waits for that."""
REFUSED = 0.9
"""Seconds within which a PostgreSQL that gives no answer has refused: nobody writes there. One that has not within a
second (the observer's deadline) may be doing anything."""
SLOWEST = 5.0
"""Seconds that one question over HTTP may take: two to connect, two for the answer, one for a busy machine."""
REWATCH = 15.0
"""Seconds from the healing of a machine, or until all members stream, within which it is watched again: ten for a
connection that was on its way to its old address, one between two tries, the rest for the observer's start."""
OLD_LOOK = 4.0
"""Seconds that a look may have taken of which a log of format 1 does not say so."""


@dataclass(frozen=True)
class Hole:
    """NODE was not watched BY anyone of this kind from START to END."""

    node: str
    by: Witness
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def holes(log: Log) -> Iterator[Hole]:
    """The holes in the watch of LOG, from before its first fault until the end of its load."""
    begin = log.begin
    if not log.faults or begin.observe is None:
        return
    since = log.faults[0].start - BEFORE
    for node in begin.members:
        for by in begin.witnesses or (Witness.SQL,):
            seen = [one for one in log.sightings if one.node == node and one.by is by]
            away = _away(log, node, seen)
            for start, end in _between(_moments(seen, by), since, log.load_end):
                yield from (Hole(node, by, *part) for part in _without(start, end, away))


def away_of(log: Log, node: str) -> tuple[float, float] | None:
    """From when to when NODE could not be watched, for the drill had struck it; None if it could be all the time."""
    return _away(log, node, [one for one in log.sightings if one.node == node and one.by is Witness.SQL])


def _moments(seen: Iterable[Sighting], by: Witness) -> Iterator[tuple[float, float]]:
    """From when to when it is known what was asked, or that the one who asks did so."""
    for one in seen:
        if one.took is None:
            yield one.time - OLD_LOOK, one.time
        elif by is Witness.SQL and (one.leads is not None or one.took <= REFUSED):
            yield one.time, one.time
        elif by is not Witness.SQL and one.took <= SLOWEST:
            yield one.time - one.took, one.time


def _between(moments: Iterable[tuple[float, float]], since: float, until: float) -> Iterator[tuple[float, float]]:
    at = since
    for start, end in (*moments, (until, until)):
        if min(start, until) - at > UNWATCHED:
            yield at, min(start, until)
        at = max(at, end)


def _away(log: Log, node: str, seen: Sequence[Sighting]) -> tuple[float, float] | None:
    """From when to when nobody could watch NODE, of which this is what was SEEN."""
    struck = [fault.start for fault in log.faults if node in _unwatched(fault)]
    if not struck:
        return None
    if not log.heals:
        return min(struck), log.load_end
    healed = log.heals[0].end
    latest = max(healed, log.fully_replicated or 0.0) + REWATCH
    again = next((one.time for one in seen if one.time >= healed), latest)
    return min(struck), min(again, latest)


def _unwatched(fault: FaultEvent) -> tuple[str, ...]:
    return fault.targets if fault.unwatched is None else fault.unwatched


def _without(start: float, end: float, away: tuple[float, float] | None) -> Iterator[tuple[float, float]]:
    """What of a hole is left without the time in which nobody could watch, if that is a hole still."""
    parts = [(start, end)] if away is None else [(start, min(end, away[0])), (max(start, away[1]), end)]
    yield from ((a, b) for a, b in parts if b - a > UNWATCHED)
