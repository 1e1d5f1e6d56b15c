"""Whether what PostgreSQL, the DCS and the clients say of who leads goes together."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from labgen.checks.wording import listed, some
from labgen.drill.judge.entries import OpResult, Sighting, Witness, acknowledged
from labgen.drill.judge.log import Log


def contradictions(log: Log) -> Iterator[str]:
    """What in LOG cannot all be true, or is not told by whom it should be, as doubts."""
    answers = [seen for seen in log.sightings if seen.by is Witness.SQL and seen.leads is not None]
    yield from _writers(log)
    for node in log.begin.members:
        yield from _one_node(node, [seen for seen in answers if seen.node == node])
    yield from _dcs(log)
    if log.faults:
        yield from _before(log, answers)
    if log.fully_replicated is not None:
        yield from _after(log, [seen for seen in answers if seen.time >= log.fully_replicated])


def _one_node(node: str, answers: Sequence[Sighting]) -> Iterator[str]:
    """Who once took writes on a timeline, and then did not, takes writes on a later one only."""
    led, stopped = 0, False
    for seen in answers:
        timeline = seen.timeline or 0
        if seen.leads and (timeline < led or (timeline == led and stopped)):
            yield f"{node} took writes on timeline {timeline} again, which it had left"
            return
        led, stopped = (timeline, False) if seen.leads else (led, True)


def _dcs(log: Log) -> Iterator[str]:
    """Who is named once, and not by the next who asks, was not the leader: the DCS tells all the same."""
    slack = 2 * max(log.clocks.values(), default=0.0)
    told = [seen for seen in log.sightings if seen.by is Witness.DCS and seen.leader]
    times = [seen.time for seen in told]
    for at, one in enumerate(told):
        # Who asked at the same time may have been answered before or after.
        earlier = bisect_left(times, _asked(one) - slack)
        after = next((seen for seen in told[at + 1 : at + 50] if _asked(seen) > one.time + slack), None)
        if earlier and after and told[earlier - 1].leader == after.leader != one.leader:
            yield f"the DCS told {one.node} once that {one.leader} leads, and {after.leader} before and after"
            return


def _asked(seen: Sighting) -> float:
    return seen.time - (seen.took or 0.0)


def _after(log: Log, answers: Sequence[Sighting]) -> Iterator[str]:
    """In the end one leads, by all that is said."""
    last = {seen.node: seen for seen in answers}
    leading = [seen for seen in last.values() if seen.leads]
    if len(leading) != 1:
        yield f"in the end {listed([seen.node for seen in leading]) if leading else 'nobody'} took writes"
        return
    (leader,) = leading
    written = max((one.timeline or 0 for one in acknowledged(log.writes)), default=leader.timeline)
    if leader.timeline != written:
        yield f"in the end {leader.node} took writes on timeline {leader.timeline}, clients wrote on {written}"
    told = [seen for seen in log.sightings if seen.by is Witness.DCS and seen.time >= (log.fully_replicated or 0.0)]
    named = {seen.node: seen.leader for seen in told if seen.leader}
    if others := sorted({str(name) for name in named.values() if name != leader.node}):
        yield f"in the end {leader.node} took writes, and the DCS named {listed(others)}"


def _writers(log: Log) -> Iterator[str]:
    """A timeline is of one server, which was seen to lead there."""
    servers: defaultdict[int, set[str]] = defaultdict(set)
    for one in acknowledged(log.writes):
        if one.server is None or one.timeline is None:
            yield f"nobody knows who acknowledged {one.id}"
            return
        servers[one.timeline].add(one.server)
    led: defaultdict[int, set[str]] = defaultdict(set)
    for seen in log.sightings:
        if seen.by is Witness.SQL and seen.leads and seen.timeline is not None:
            led[seen.timeline].add(seen.node)
    for timeline, names in led.items():
        if len(names) > 1:
            yield f"several nodes took writes on timeline {timeline}: {some(sorted(names))}"
    for timeline, names in servers.items():
        if len(names) > 1:
            yield f"several servers acknowledged on timeline {timeline}: {some(sorted(names))}"
        if timeline not in led:
            yield f"nobody was seen to lead on timeline {timeline}, on which writes were acknowledged"
    if any(one.server is None for one in log.reads if one.result is OpResult.OK):
        yield "nobody knows who answered a read"


def _before(log: Log, answers: Sequence[Sighting]) -> Iterator[str]:
    """Everybody answered before the first fault, and again when all were there; the leader was who the log says."""
    about, fault = log.begin, log.faults[0].start
    for node in about.members:
        mine = [seen for seen in answers if seen.node == node]
        if not any(seen.time <= fault for seen in mine):
            yield f"{node}: its PostgreSQL told nothing before the fault"
        if log.fully_replicated is not None and not any(seen.time >= log.fully_replicated for seen in mine):
            yield f"{node}: its PostgreSQL told nothing after all members were there again"
    before = [seen for seen in answers if seen.time <= fault and seen.node == about.leader]
    if before and (not before[-1].leads or before[-1].timeline != about.timeline):
        yield f"{about.leader} did not lead on timeline {about.timeline} before the fault"
    named = [seen.leader for seen in log.sightings if seen.by is Witness.DCS and seen.leader and seen.time <= fault]
    if named[-1:] != [about.leader]:
        yield f"the DCS did not name {about.leader} before the fault"
