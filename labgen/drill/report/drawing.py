"""A drill over time as one SVG drawing: attempts on each path, whose key the DCS holds, and who says that it leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from labgen.drill.judge.entries import ClientOp, OpResult, Witness
from labgen.drill.judge.log import Log
from labgen.drill.judge.measure import Measures, PathFigures
from labgen.drill.report.tables import seconds

WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 1400, 170, 30, 62, 40, 28
"""Pixels: the drawing, its labels, what is free at its end and above the rows, a row, and the bar in it."""
OK, FAIL, UNKNOWN = "#2e9e5b", "#d64545", "#e6a700"
COLOURS = {OpResult.OK: OK, OpResult.FAIL: FAIL, OpResult.UNKNOWN: UNKNOWN}
WRITABLE, PRIMARY, NOT = "#174ea6", "#6f9df0", "#e3e7ee"
KEYS = ("#174ea6", "#8a4fd0", "#0f8a97", "#b8501a", "#6b7a00")
"""For the members in the DCS, in their order."""
INK, ALARM, HEALED, TINT = "#1c2430", "#b52a2a", "#1f7a45", "#fbeeee"
SAME = 1.5
"""Seconds between two looks with the same answer that are drawn as one."""
SHOWN = 0.8
"""Seconds from which a path's longest outage is written into the drawing."""
FONT = "font-family:system-ui,sans-serif"
LEGEND: Mapping[str, str] = {
    "acknowledged": OK,
    "refused": FAIL,
    "no answer": UNKNOWN,
    "PostgreSQL takes writes": WRITABLE,
    "Patroni's /primary says 200": PRIMARY,
    "neither": NOT,
}


@dataclass(frozen=True)
class Bar:
    """From START to STOP in COLOUR; TITLE is shown when one points at it, WORDS are written on it."""

    start: float
    stop: float
    colour: str
    title: str
    words: str = ""


def timeline(log: Log, measures: Measures) -> str:
    """The drawing of LOG, with the longest outages of MEASURES written in."""
    paths = [(about.name, about.reads) for about in log.begin.paths]
    # Each row has its label and its lanes of bars, one above the other.
    rows = [(name, [list(_attempts(log, name, reads))]) for name, reads in paths]
    rows += [("leader key", [list(_key(log))])]
    rows += [(node, [list(_leading(log, node, by, colour)) for by, colour in LANES]) for node in log.begin.members]
    end = max((bar.stop for _, lanes in rows for bars in lanes for bar in bars), default=1.0)
    scale = _Scale((WIDTH - LEFT - RIGHT) / end, TOP + ROW * len(rows))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {scale.bottom + 34}" role="img" '
        'aria-label="what happened, over time">',
        *_ground(log, end, scale),
    ]
    for index, (label, lanes) in enumerate(rows):
        y = TOP + index * ROW
        parts.append(_text(LEFT - 12, y + BAR / 2 + 6, label, 18, "end"))
        for lane, bars in enumerate(lanes):
            height = BAR / len(lanes)
            parts += [scale.bar(bar, y + lane * height, height) for bar in bars]
    figures = {one.path: one for one in measures.paths}
    for index, (name, _) in enumerate(paths):
        parts += _outage(figures[name], TOP + index * ROW, scale)
    below = TOP + (len(paths) + 1) * ROW
    for overlap in measures.overlaps:
        words = f"two leaders: {overlap.first} and {overlap.second}, {seconds(overlap.seconds)}"
        start, width = scale.x(overlap.start), max((overlap.end - overlap.start) * scale.second, 4)
        place = f'x="{start:.1f}" y="{below - 4}" width="{width:.1f}" height="{scale.bottom - below}"'
        parts.append(
            f'<rect {place} fill="{ALARM}" fill-opacity="0.12" stroke="{ALARM}" stroke-width="3">'
            f"<title>{escape(words)}</title></rect>"
        )
    return "".join([*parts, *_fault_marks(log, scale), "</svg>"])


LANES = ((Witness.SQL, WRITABLE), (Witness.REST, PRIMARY))


@dataclass(frozen=True)
class _Scale:
    """SECOND: pixels. BOTTOM: where the rows end."""

    second: float
    bottom: float

    def x(self, time: float) -> float:
        return LEFT + time * self.second

    def bar(self, bar: Bar, y: float, height: float) -> str:
        width = max((bar.stop - bar.start) * self.second, 0.6)
        drawn = (
            f'<rect x="{self.x(bar.start):.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{bar.colour}">'
            f"<title>{escape(bar.title)}</title></rect>"
        )
        if bar.words and width > 10 * len(bar.words):
            drawn += _text(self.x((bar.start + bar.stop) / 2), y + height / 2 + 6, bar.words, 17, "middle", "#fff")
        return drawn


def _ground(log: Log, end: float, scale: _Scale) -> Iterable[str]:
    """The time that the fault lasted, tinted, and the seconds."""
    if log.faults:
        start = scale.x(log.faults[0].start)
        stop = scale.x(log.heals[0].start if log.heals else end)
        size = f'width="{max(stop - start, 1):.1f}" height="{scale.bottom - TOP + 8}"'
        yield f'<rect x="{start:.1f}" y="{TOP - 8}" {size} fill="{TINT}"/>'
    for second in range(0, int(end) + 1, _step(end)):
        x = scale.x(second)
        yield f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{scale.bottom}" stroke="#d5dae2"/>'
        yield _text(x, scale.bottom + 24, f"{second} s", 17, "middle")


def _outage(figures: PathFigures, y: float, scale: _Scale) -> Iterable[str]:
    """How long the longest outage on a path is, in it or, if it is too short for that, beside it."""
    if figures.outage < SHOWN:
        return
    words = seconds(figures.outage)
    start, stop = scale.x(figures.outage_from), scale.x(figures.outage_from + figures.outage)
    if stop - start > 11 * len(words):
        place, anchor = (start + stop) / 2, "middle"
    else:
        place, anchor = stop + 6, "start"
    yield _text(place, y + BAR / 2 + 6, words, 18, anchor, "#fff", "font-weight:bold")


def _fault_marks(log: Log, scale: _Scale) -> Iterable[str]:
    marks = [(event.start, "fault", ALARM, event.title) for event in log.faults]
    marks += [(event.end, "healed", HEALED, event.title) for event in log.heals]
    last = -1000.0
    line = 0
    for moment, word, colour, title in sorted(marks):
        x = scale.x(moment)
        # Two that are near each other are written on two lines.
        line = 1 - line if x - last < 70 else 0
        last = x
        top = 20 + 20 * line
        yield (
            f'<line x1="{x:.1f}" y1="{top + 6}" x2="{x:.1f}" y2="{scale.bottom}" stroke="{colour}" stroke-width="3">'
            f"<title>{escape(title)}</title></line>"
        )
        yield _text(x, top, word, 18, "middle", colour)


# --- bars -------------------------------------------------------------------------------------------------------------


def _attempts(log: Log, path: str, reads: bool) -> Iterable[Bar]:
    """Attempts that follow each other with the same outcome on the same server, as one bar."""
    mine = [one for one in (log.reads if reads else log.writes) if one.path == path]
    group: list[ClientOp] = []
    for one in mine:
        if group and (one.result, one.server) != (group[-1].result, group[-1].server):
            yield _bar(group)
            group = []
        group.append(one)
    if group:
        yield _bar(group)


def _bar(group: Sequence[ClientOp]) -> Bar:
    first, last = group[0], group[-1]
    where = f" by {first.server}" if first.server else ""
    why = f": {last.error}" if last.error else ""
    words = f"{len(group)} × {first.result}{where}, {first.start:.2f} to {last.end:.2f} s{why}"
    return Bar(first.start, last.end, COLOURS[first.result], words)


def _leading(log: Log, node: str, by: Witness, colour: str) -> Iterable[Bar]:
    """When NODE said that it leads, and when that it does not."""
    seen = [one for one in log.sightings if one.node == node and one.by is by]
    title = "takes writes" if by is Witness.SQL else "/primary says 200"
    return _joined(
        Bar(before.time, after.time, colour, f"{node}: {title}")
        if before.leads
        else Bar(before.time, after.time, NOT, f"{node}: not the leader")
        for before, after in pairwise(seen)
        if before.leads is not None and after.time - before.time <= SAME
    )


def _key(log: Log) -> Iterable[Bar]:
    """Whose name the DCS holds, by whoever could ask it."""
    palette = dict(zip(log.begin.members, KEYS, strict=False))
    seen = [one for one in log.sightings if one.by is Witness.DCS and one.leader is not None]
    return _joined(
        Bar(before.time, after.time, palette.get(before.leader, KEYS[0]), before.leader, before.leader)
        for before, after in pairwise(seen)
        if before.leader and after.time - before.time <= SAME
    )


def _joined(bars: Iterable[Bar]) -> Iterable[Bar]:
    """Bars that follow each other with the same meaning, as one."""
    last: Bar | None = None
    for bar in bars:
        if last is not None and (last.colour, last.title) == (bar.colour, bar.title) and bar.start - last.stop <= SAME:
            last = Bar(last.start, max(last.stop, bar.stop), bar.colour, bar.title, bar.words)
            continue
        if last is not None:
            yield last
        last = bar
    if last is not None:
        yield last


def _text(
    x: float, y: float, words: str, size: int, anchor: str, colour: str = INK, style: str = "font-weight:normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
        f'style="{FONT};{style};pointer-events:none">{escape(words)}</text>'
    )


def _step(end: float) -> int:
    usual = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
    # A log that tells of a year is somebody's joke, and still no drawing of a million lines.
    return next((step for step in usual if end / step <= 16), int(end / 16) + 1)
