"""What there is to tell of a drill: what tables and pages are made from, and what `--json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from labgen.drill.judge.begin import PathAbout
from labgen.drill.judge.log import Log
from labgen.drill.judge.measure import Measures, PathFigures
from labgen.drill.judge.verdict import DrillStatus, DrillVerdict, limit_of

Range = tuple[float, float]
"""Seconds, from and to."""


@dataclass(frozen=True)
class PathSummary:
    """One path's figures beside what was expected and what the timers say (PREDICTED, and WHY); seconds rounded."""

    path: str
    reads: bool
    outage: float
    open: bool
    outage_before: float
    new_timeline: float | None
    recovered_before_heal: bool | None
    expected: float | None
    predicted: Range | None
    why: str
    ok: int
    fail: int
    unknown: int

    def to_json(self) -> dict[str, Any]:
        """As `--json` has it."""
        return {
            "path": self.path,
            "for": "reading" if self.reads else "writing",
            "gap": self.outage,
            "open": self.open,
            "before": self.outage_before,
            "new_timeline": self.new_timeline,
            "held": self.recovered_before_heal,
            "expected": self.expected,
            "predicted": None if self.predicted is None else list(self.predicted),
            "why": self.why,
            "ok": self.ok,
            "fail": self.fail,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class Writes:
    """How many; None where rows were not counted."""

    acknowledged: int
    lost: int | None
    recovered: int | None
    unexpected: int | None
    forked: int

    def to_json(self) -> dict[str, int | None]:
        return {
            "acknowledged": self.acknowledged,
            "lost": self.lost,
            "recovered": self.recovered,
            "unexpected": self.unexpected,
            "forked": self.forked,
        }


@dataclass(frozen=True)
class TwoLeaders:
    """Two nodes that took writes at once."""

    nodes: tuple[str, str]
    seconds: float


@dataclass(frozen=True)
class Probe:
    """How the drill looked, in seconds; CLOCKS: node → by how much its times may be wrong."""

    interval: float | None
    deadline: float | None
    connect_timeout: float | None
    observe: float | None
    clocks: Mapping[str, float]

    @property
    def clock(self) -> float:
        """By how much any time may be wrong."""
        return max(self.clocks.values(), default=0)


@dataclass(frozen=True)
class DrillSummary:
    """Everything about one run; seconds from the fault are rounded, None where what they count never came."""

    drill: str
    title: str
    lab: str | None
    blueprint: str | None
    profile: str | None
    provider: str | None
    started: str | None
    status: DrillStatus
    failures: tuple[str, ...]
    doubts: tuple[str, ...]
    operations: tuple[str, ...]
    client: str | None
    timers: Mapping[str, Any]
    probe: Probe
    paths: tuple[PathSummary, ...]
    leader_key: float | None
    promoted: float | None
    fully_replicated: float | None
    replica_rejoin: float | None
    timelines: tuple[int | None, int | None]
    writes: Writes
    two_leaders: tuple[TwoLeaders, ...]
    log: str

    def to_json(self) -> dict[str, Any]:
        """As `--json` has it."""
        return {
            "drill": self.drill,
            "title": self.title,
            "lab": self.lab,
            "blueprint": self.blueprint,
            "profile": self.profile,
            "provider": self.provider,
            "started": self.started,
            "verdict": self.status.value,
            "faults": list(self.failures),
            "doubts": list(self.doubts),
            "operations": list(self.operations),
            "client": self.client,
            "timers": dict(self.timers),
            "probe": {
                "interval": self.probe.interval,
                "deadline": self.probe.deadline,
                "connect_timeout": self.probe.connect_timeout,
                "observe": self.probe.observe,
                "clocks": dict(self.probe.clocks),
            },
            "paths": [path.to_json() for path in self.paths],
            "leader_key": self.leader_key,
            "promoted": self.promoted,
            "whole": self.fully_replicated,
            "rejoined": self.replica_rejoin,
            "timelines": list(self.timelines),
            "writes": self.writes.to_json(),
            "two_leaders": [{"nodes": list(both.nodes), "seconds": both.seconds} for both in self.two_leaders],
            "log": self.log,
        }


def summary(log: Log, verdict: DrillVerdict, file: str) -> DrillSummary:
    """Everything about the run that LOG, in the file FILE, is of."""
    measures, begin = verdict.measures, log.begin
    return DrillSummary(
        drill=log.drill.name,
        title=log.drill.title,
        lab=begin.lab,
        blueprint=begin.blueprint,
        profile=begin.profile,
        provider=begin.provider,
        started=begin.started,
        status=verdict.status,
        failures=verdict.failures,
        doubts=verdict.doubts,
        operations=begin.operations,
        client=begin.client,
        timers=begin.timers,
        probe=Probe(begin.interval, begin.deadline, begin.connect_timeout, begin.observe, log.clocks),
        paths=tuple(_path(one, begin.path(one.path), limit_of(log, one.path)) for one in measures.paths),
        leader_key=_seconds(measures.key),
        promoted=_seconds(measures.promoted),
        fully_replicated=_seconds(measures.fully_replicated),
        replica_rejoin=_seconds(measures.replica_rejoin),
        timelines=(measures.timeline, measures.later_timeline),
        writes=_writes(measures),
        two_leaders=tuple(TwoLeaders((it.first, it.second), round(it.seconds, 2)) for it in measures.overlaps),
        log=file,
    )


def _path(figures: PathFigures, about: PathAbout, limit: float | None) -> PathSummary:
    predicted = about.predicted
    return PathSummary(
        path=figures.path,
        reads=figures.reads,
        outage=round(figures.outage, 2),
        open=figures.open,
        outage_before=round(figures.outage_before, 2),
        new_timeline=_seconds(figures.new_timeline),
        recovered_before_heal=figures.recovered_before_heal,
        expected=limit,
        predicted=None if predicted is None else (predicted.low, predicted.high),
        why="" if predicted is None else predicted.why,
        ok=figures.ok,
        fail=figures.fail,
        unknown=figures.unknown,
    )


def _writes(measures: Measures) -> Writes:
    return Writes(
        acknowledged=sum(figures.ok for figures in measures.paths if not figures.reads),
        lost=_count(measures.lost),
        recovered=_count(measures.recovered),
        unexpected=_count(measures.unexpected),
        forked=len(measures.forked),
    )


@dataclass(frozen=True)
class SeriesRow:
    """One figure over several runs, of which so many (RUNS) have it."""

    figure: str
    minimum: float | None
    median: float | None
    maximum: float | None
    predicted: Range | None
    runs: int

    def to_json(self) -> dict[str, Any]:
        return {
            "figure": self.figure,
            "minimum": self.minimum,
            "median": self.median,
            "maximum": self.maximum,
            "predicted": None if self.predicted is None else list(self.predicted),
            "runs": self.runs,
        }


def series(runs: Sequence[DrillSummary]) -> list[SeriesRow]:
    """Minimum, median and maximum over several runs of one drill: of each path's outage, and of the cluster's times.

    Beside an outage stands what the timers say; for which leader they do may differ from run to run.
    """
    rows = []
    for at, path in enumerate(runs[0].paths):
        each = [run.paths[at] for run in runs]
        said = [one.predicted for one in each if one.predicted is not None]
        predicted = (min(low for low, _ in said), max(high for _, high in said)) if said else None
        rows.append(_spread(f"gap through {path.path}", [one.outage for one in each], predicted))
    return [
        *rows,
        _spread("new leader key", [run.leader_key for run in runs]),
        _spread("promoted", [run.promoted for run in runs]),
        _spread("whole again", [run.fully_replicated for run in runs]),
        _spread("lost writes", [run.writes.lost for run in runs]),
    ]


def _spread(title: str, values: Sequence[float | None], predicted: Range | None = None) -> SeriesRow:
    known = [value for value in values if value is not None]
    middle = round(median(known), 2) if known else None
    return SeriesRow(title, min(known, default=None), middle, max(known, default=None), predicted, len(known))


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _count(ids: Sequence[str] | None) -> int | None:
    return None if ids is None else len(ids)
