"""Who took writes when, by what PostgreSQL said on each node, and whether two did at once."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from labgen.drill.judge.entries import Sighting, Witness
from labgen.drill.judge.log import Log
from labgen.drill.judge.watch import UNWATCHED, away_of

NEAR = UNWATCHED
"""Seconds between two sightings of one node that still count as one after the other: more is a hole in the watch."""
Spans = Mapping[str, Sequence[tuple[float, float]]]
"""Node → from when to when it took writes."""


@dataclass(frozen=True)
class Overlap:
    """Two nodes that took writes at the same time, from START to END at least."""

    first: str
    second: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def leading(log: Log) -> Spans:
    """When each node was out of recovery: only time between two sightings that both say so, of one timeline, counts."""
    spans: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    by_node: defaultdict[str, list[Sighting]] = defaultdict(list)
    for seen in log.sightings:
        if seen.by is Witness.SQL:
            by_node[seen.node].append(seen)
    for node, seen_there in by_node.items():
        for before, after in pairwise(seen_there):
            same = before.timeline == after.timeline
            if before.leads and after.leads and same and after.time - before.time <= NEAR:
                spans[node].append((before.time, after.time))
    return spans


def overlaps(log: Log, spans: Spans) -> Iterable[Overlap]:
    """Pairs of nodes out of recovery at once."""
    nodes = sorted(spans)
    for index, first in enumerate(nodes):
        for second in nodes[index + 1 :]:
            shared = [(max(a, c), min(b, d)) for a, b, c, d in _crossing(spans[first], spans[second])]
            total = sum(b - a for a, b in shared)
            if total > _slack(log, first, second):
                start = min(a for a, _ in shared)
                yield Overlap(first, second, start, start + total)


def _crossing(
    first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]]
) -> Iterable[tuple[float, float, float, float]]:
    """Pairs of spans that have time in common; both are in their order."""
    at = 0
    for a, b in first:
        while at < len(second) and second[at][1] <= a:
            at += 1
        other = at
        while other < len(second) and second[other][0] < b:
            c, d = second[other]
            if min(b, d) > max(a, c):
                yield a, b, c, d
            other += 1


def _slack(log: Log, first: str, second: str) -> float:
    """Clocks that are off may make two moments look like one."""
    return log.clocks.get(first, 0.0) + log.clocks.get(second, 0.0)


def glimpsed(log: Log, spans: Spans) -> Iterable[str]:
    """Nodes that said once, by themselves, that they take writes in the midst of another one's time."""
    for node in log.begin.members:
        mine = spans.get(node, ())
        edges = {time for span in mine for time in span}
        lone = [
            seen.time
            for seen in log.sightings
            if seen.node == node and seen.by is Witness.SQL and seen.leads and seen.time not in edges
        ]
        away = away_of(log, node) or (0.0, -1.0)
        lone = [time for time in lone if not away[0] <= time <= away[1]]
        if any(_within(lone, spans[other], _slack(log, node, other)) for other in spans if other != node):
            yield node


def _within(times: Iterable[float], spans: Sequence[tuple[float, float]], slack: float) -> bool:
    """Whether one of TIMES is in the midst of SPANS, by more than SLACK."""
    joined = _joined(spans)
    starts = [start for start, _ in joined]
    for time in times:
        at = bisect_left(starts, time - slack)
        if at and time + slack < joined[at - 1][1]:
            return True
    return False


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
