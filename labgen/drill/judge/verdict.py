"""Pass, fail or unknown, with the reasons: what was expected held against what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labgen.blueprint.drills import DrillExpectation
from labgen.checks.wording import count, listed
from labgen.drill.judge.log import Log
from labgen.drill.judge.measure import Measures, PathFigures, measure

PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"


@dataclass(frozen=True)
class DrillVerdict:
    """How a drill ended. One proven fault makes it `fail`; otherwise one open question makes it `unknown`."""

    status: str
    faults: tuple[str, ...]
    doubts: tuple[str, ...]
    measures: Measures

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.faults + self.doubts


def judge(log: Log) -> DrillVerdict:
    """The verdict on LOG."""
    measures = measure(log)
    expect = log.drill.expect
    faults = (
        *_data(measures, expect),
        *_leaders(log, measures, expect),
        *_service(log, measures, expect),
        *_health(log),
    )
    doubts = tuple(_doubts(log, measures))
    return DrillVerdict(FAIL if faults else UNKNOWN if doubts else PASS, faults, doubts, measures)


def _data(measures: Measures, expect: DrillExpectation) -> Iterable[str]:
    if measures.lost is not None and len(measures.lost) > expect.lost:
        allowed = f", {expect.lost} may be" if expect.lost else ""
        yield f"{count(len(measures.lost), 'acknowledged write')} lost{allowed}: {_some(measures.lost)}"
    if measures.unexpected:
        yield f"{count(len(measures.unexpected), 'row')} that nobody was to have written: {_some(measures.unexpected)}"


def _leaders(log: Log, measures: Measures, expect: DrillExpectation) -> Iterable[str]:
    for overlap in measures.overlaps:
        if overlap.seconds > expect.two_leaders:
            allowed = f", at most {expect.two_leaders:g} s expected" if expect.two_leaders else ""
            yield f"two leaders at once: {overlap.first} and {overlap.second} for {overlap.seconds:.1f} s{allowed}"
    if measures.forked:
        yield (
            f"{count(len(measures.forked), 'write')} acknowledged on the old timeline after others were on the new: "
            f"{_some(measures.forked)}"
        )
    took_over = measures.took_over
    if expect.failover is True and took_over is None:
        if log.waited:
            yield "nobody took over"
    elif expect.failover is True and log.waited and took_over is not None:
        if took_over + (measures.fault or 0.0) > log.heals[0].start:
            yield f"nobody took over before healing, only {took_over:.1f} s after the fault"
    elif expect.failover is False and took_over is not None:
        yield "another node took over, though the old leader should have gone on"


def _service(log: Log, measures: Measures, expect: DrillExpectation) -> Iterable[str]:
    if not log.faults:
        return
    names = [figures.path for figures in measures.paths]
    held = names if expect.held is None else list(expect.held)
    for figures in measures.paths:
        if figures.open and not log.ended:
            continue  # it may have come back after the log was cut off
        if figures.open:
            yield f"{figures.path}: nothing was acknowledged any more from {figures.gap_from:.1f} s on"
            continue
        limit = limit_of(log, figures.path)
        if limit is not None and figures.gap > limit:
            gap = f"{figures.gap:.1f} s without an acknowledged {_kind(figures)}"
            yield f"{figures.path}: {gap}, expected at most {limit:g} s"
        if figures.path in held and not figures.held and log.waited:
            yield f"{figures.path}: no {_kind(figures)} was acknowledged any more when healing began"


def limit_of(log: Log, path: str) -> float | None:
    """The longest outage that the drill in LOG expects on PATH, in seconds; None if it expects nothing."""
    expect = log.drill.expect
    wanted = expect.paths.get(path, expect.outage)
    if wanted == "timers":
        predicted = [about.get("predicted") for about in log.begin.get("paths", ()) if about["name"] == path]
        return float(predicted[0]["high"]) if predicted and predicted[0] else None
    return None if wanted is None else float(wanted)


def _health(log: Log) -> Iterable[str]:
    for name, status, detail in log.checks:
        if status != PASS:
            yield f"after healing {name}: {detail}"


def _doubts(log: Log, measures: Measures) -> Iterable[str]:
    if not log.faults:
        yield "no fault was injected"
    if not log.ended:
        yield "the log is unfinished: the drill was cut off"
    if measures.lost is None:
        yield "nobody counted the rows, so nothing is known of lost writes"
    if log.faults and measures.whole is None:
        yield "the cluster was not seen whole again"
    if not any(seen.by == "sql" and seen.leads for seen in log.sightings):
        yield "nobody watched who leads"
    for figures in measures.paths:
        if log.faults and not _worked_before(log, figures):
            yield f"{figures.path}: nothing was acknowledged before the fault"
        for start, end in figures.stalls:
            yield f"{figures.path}: the load itself stood still for {end - start:.1f} s, from {start:.1f} s on"
    if not measures.paths:
        yield "there was no load"
    if measures.twice:
        yield f"ids that were used twice: {_some(measures.twice)}"


def _worked_before(log: Log, figures: PathFigures) -> bool:
    attempts = log.reads if figures.reads else log.writes
    return any(one.path == figures.path and one.result == "ok" and one.end <= log.faults[0].start for one in attempts)


def _kind(figures: PathFigures) -> str:
    return "read" if figures.reads else "write"


def _some(ids: Sequence[str], most: int = 5) -> str:
    return listed(ids[:most]) if len(ids) <= most else f"{', '.join(ids[:most])} and {len(ids) - most} more"
