"""Pass, fail or unknown, with the reasons: what was expected held against what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from labgen.blueprint.drills import DrillExpectation
from labgen.checks import Status
from labgen.checks.wording import count, listed, some
from labgen.drill.judge.entries import Witness, acknowledged
from labgen.drill.judge.log import Log
from labgen.drill.judge.measure import Measures, PathFigures, measure
from labgen.drill.judge.promises import broken_promises
from labgen.drill.judge.watch import Hole, holes


class DrillStatus(StrEnum):
    """How a drill ended; the values are those of `--json`."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DrillVerdict:
    """How a drill ended. One proven failure makes it FAIL; otherwise one open question makes it UNKNOWN."""

    status: DrillStatus
    failures: tuple[str, ...]
    doubts: tuple[str, ...]
    measures: Measures

    @property
    def reasons(self) -> tuple[str, ...]:
        return self.failures + self.doubts


def judge(log: Log) -> DrillVerdict:
    """The verdict on LOG."""
    measures = measure(log)
    expect = log.drill.expect
    failures = (
        *_data(measures, expect),
        *_leaders(log, measures, expect),
        *_service(log, measures, expect),
        *_health(log),
    )
    doubts = tuple(_doubts(log, measures))
    status = DrillStatus.FAIL if failures else DrillStatus.UNKNOWN if doubts else DrillStatus.PASS
    return DrillVerdict(status, failures, doubts, measures)


def _data(measures: Measures, expect: DrillExpectation) -> Iterable[str]:
    if measures.lost is not None and len(measures.lost) > expect.lost:
        allowed = f", {expect.lost} may be" if expect.lost else ""
        yield f"{count(len(measures.lost), 'acknowledged write')} lost{allowed}: {some(measures.lost)}"
    if measures.unexpected:
        yield f"{count(len(measures.unexpected), 'row')} that nobody was to have written: {some(measures.unexpected)}"


def _leaders(log: Log, measures: Measures, expect: DrillExpectation) -> Iterable[str]:
    for overlap in measures.overlaps:
        if overlap.seconds > expect.two_leaders:
            allowed = f", at most {expect.two_leaders:g} s expected" if expect.two_leaders else ""
            yield f"two leaders at once: {overlap.first} and {overlap.second} for {overlap.seconds:.1f} s{allowed}"
    if measures.forked:
        yield (
            f"{count(len(measures.forked), 'write')} acknowledged on the old timeline after others were on the new: "
            f"{some(measures.forked)}"
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
    to_recover = names if expect.recovered_before_heal is None else expect.recovered_before_heal
    for figures in measures.paths:
        if figures.open and not log.ended:
            continue  # it may have come back after the log was cut off
        if figures.open:
            yield f"{figures.path}: nothing was acknowledged any more from {figures.outage_from:.1f} s on"
            continue
        limit = limit_of(log, figures.path)
        if limit is not None and figures.outage > limit:
            outage = f"{figures.outage:.1f} s without an acknowledged {_kind(figures)}"
            yield f"{figures.path}: {outage}, expected at most {limit:g} s"
        if figures.path in to_recover and not figures.recovered_before_heal and log.waited:
            yield f"{figures.path}: no {_kind(figures)} was acknowledged any more when healing began"
    writing = [figures for figures in measures.paths if not figures.reads]
    if to_recover == () and log.waited and writing and all(figures.recovered_before_heal for figures in writing):
        told = listed(figures.path for figures in writing)
        yield f"every path that writes went on ({told}), and at least one was to go away"


def limit_of(log: Log, path: str) -> float | None:
    """The longest outage that the drill in LOG expects on PATH, in seconds; None if it expects nothing."""
    expect = log.drill.expect
    wanted = expect.paths.get(path, expect.outage)
    if wanted == "timers":
        predicted = log.begin.path(path).predicted
        return None if predicted is None else predicted.high
    return None if wanted is None else float(wanted)


def _health(log: Log) -> Iterable[str]:
    for check in log.checks:
        if check.status is not Status.PASS:
            yield f"after healing {check.name}: {check.detail}"


def _doubts(log: Log, measures: Measures) -> Iterable[str]:
    if not log.faults:
        yield "no fault was injected"
    if not log.ended:
        yield "the log is unfinished: the drill was cut off"
    if measures.lost is None:
        yield "nobody counted the rows, so nothing is known of lost writes"
    if log.faults and measures.fully_replicated is None:
        yield "the cluster was not seen whole again"
    if not any(seen.by is Witness.SQL and seen.leads for seen in log.sightings):
        yield "nobody watched who leads"
    for figures in measures.paths:
        if log.faults and not _worked_before(log, figures):
            yield f"{figures.path}: nothing was acknowledged before the fault"
        for start, end in figures.stalls:
            yield f"{figures.path}: the load itself stood still for {end - start:.1f} s, from {start:.1f} s on"
    if not measures.paths:
        yield "there was no load"
    if measures.twice:
        yield f"ids that were used twice: {some(measures.twice)}"
    for node in measures.glimpsed:
        yield f"{node} was seen once to take writes while another node did: nobody knows for how long"
    yield from broken_promises(log)
    if log.ended:
        yield from map(_unwatched, holes(log))


def _unwatched(hole: Hole) -> str:
    asked = {Witness.SQL: "PostgreSQL", Witness.REST: "Patroni", Witness.DCS: "DCS"}[hole.by]
    return f"{hole.node}: nobody watched its {asked} for {hole.seconds:.1f} s, from {hole.start:.1f} s on"


def _worked_before(log: Log, figures: PathFigures) -> bool:
    attempts = acknowledged(log.reads if figures.reads else log.writes, figures.path)
    return any(one.end <= log.faults[0].start for one in attempts)


def _kind(figures: PathFigures) -> str:
    return "read" if figures.reads else "write"
