"""Whether a log keeps what it promises: nothing is missing, twice, out of its order, or from somebody unknown.

What logs of format 1 do not promise is not asked of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from labgen.checks.wording import listed, some
from labgen.drill.judge.entries import ClientOp, Sighting, Witness
from labgen.drill.judge.log import Log
from labgen.drill.judge.testimony import contradictions

ROUNDING = 0.001
"""Seconds by which two times that belong together may differ in a log."""
CLOCK = 2.0
"""Seconds by which times may be wrong at most, as long as what may go unwatched: an emulated machine takes a second to
answer. With more, two leaders look like one after the other."""


def broken_promises(log: Log) -> Iterator[str]:
    """What LOG lacks, as doubts; nothing for one that was cut off, of which all may be missing."""
    yield from log.broken
    if not log.ended:
        return
    yield from _load(log)
    yield from _events(log)
    yield from _clocks(log)
    if log.rows is not None and (twice := _repeated(log.rows)):
        yield f"rows that were counted twice: {some(twice)}"
    if not log.checks:
        yield "no check was run after healing"
    if log.sealed:
        yield from _checks(log)
        yield from _looks(log.sightings)
        yield from _known(log)
        yield from contradictions(log)


def _load(log: Log) -> Iterator[str]:
    """Every attempt is there: they are numbered on each path, one after the other, and their client has counted."""
    by_path: defaultdict[str, list[ClientOp]] = defaultdict(list)
    for one in (*log.writes, *log.reads):
        by_path[one.path].append(one)
    for about in log.begin.paths:
        mine = by_path.pop(about.name, [])
        asked = log.reads if about.reads else log.writes
        if any(one.path == about.name for one in (log.writes if about.reads else log.reads)):
            yield f"{about.name}: it reads and writes"
        wanted = log.told.get(about.name) if log.sealed else len(mine)
        if wanted is None:
            yield f"{about.name}: its client did not say how many attempts it has made"
        ids = [one.id for one in asked if one.path == about.name]
        if wanted is not None and ids != [f"{about.name}-{number}" for number in range(1, wanted + 1)]:
            yield f"{about.name}: its attempts are not all there, one after the other"
        if any(after.start < before.end - ROUNDING for before, after in pairwise(mine)):
            yield f"{about.name}: two attempts at once"
    if by_path or set(log.told) - {about.name for about in log.begin.paths}:
        yield f"attempts on paths that are unknown: {some(sorted({*by_path, *log.told}))}"


def _events(log: Log) -> Iterator[str]:
    """Faults as the drill has them, then one healing, then whole, then the end."""
    names = tuple(fault.name for fault in log.faults)
    if log.faults and names != tuple(step.fault for step in log.drill.faults):
        yield f"the faults were {listed(names)}, not those of the drill"
    if log.faults and not log.heals:
        yield "nothing says that it was healed"
    if not log.waited and log.heals:
        yield "it was healed before its time"
    for heal in log.heals:
        last = max((fault.end for fault in log.faults), default=heal.start)
        if heal.start < last + log.drill.hold - ROUNDING:
            yield "it was healed sooner than the drill says"
        if log.fully_replicated is not None and log.fully_replicated < heal.end - ROUNDING:
            yield "the cluster was whole before it was healed"
    if log.sealed:
        ends = [log.load_end, log.fully_replicated or 0.0, *(one.end for one in (*log.faults, *log.heals))]
        if max([*ends, *(seen.time for seen in log.sightings)]) > log.end + CLOCK:
            yield "something is later than the end"


def _clocks(log: Log) -> Iterator[str]:
    for node, error in log.clocks.items():
        if error > CLOCK:
            yield f"the clock of {node} is known to {error:.1f} s only"
    if not log.sealed:
        return
    compared = Counter((one.node, one.run) for one in log.clock_events)
    if compared[str(log.begin.client), None] != 2:
        yield f"the clock of {log.begin.client}, where the clients are, was not compared before and after the load"
    used = {(seen.node, seen.run) for seen in log.sightings}
    for node, run in sorted((node, run or 0) for node, run in used if compared[node, run] != 1):
        yield f"the clock of {node} was not compared when it was watched for the {run}. time"
    for node in sorted({node for node, run in compared if run is not None}):
        runs = sorted(run for name, run in compared.elements() if name == node and run is not None)
        if runs != list(range(1, len(runs) + 1)):
            yield f"not all that was seen on {node} is there"


def _checks(log: Log) -> Iterator[str]:
    names = {check.name for check in log.checks}
    if missing := [name for name in log.begin.checks if name not in names]:
        yield f"checks that were not run after healing: {some(missing)}"
    if unknown := sorted(names - set(log.begin.checks)):
        yield f"checks that the lab did not have before: {some(unknown)}"


def _looks(sightings: Sequence[Sighting]) -> Iterator[str]:
    """Each observer's looks are numbered, and one begins when the last one has ended."""
    runs: defaultdict[tuple[str, int, Witness], list[Sighting]] = defaultdict(list)
    for seen in sightings:
        runs[seen.node, seen.run or 0, seen.by].append(seen)
    for (node, _, by), mine in runs.items():
        if [seen.look for seen in mine] != list(range(1, len(mine) + 1)):
            yield f"what {by} told on {node} is not all there, one after the other"
        if any(after.time - (after.took or 0.0) < before.time - ROUNDING for before, after in pairwise(mine)):
            yield f"{by} on {node} was asked twice at once"


def _known(log: Log) -> Iterator[str]:
    about = log.begin
    strangers = {seen.node for seen in log.sightings} - set(about.members)
    strangers |= {seen.leader for seen in log.sightings if seen.leader} - set(about.members)
    if strangers:
        yield f"who is no member was seen: {some(sorted(strangers))}"
    if log.begin.witnesses and {seen.by for seen in log.sightings} - set(about.witnesses):
        yield "somebody was asked who was not to be"


def _repeated(ids: Iterable[str]) -> list[str]:
    return [key for key, times in Counter(ids).items() if times > 1]
