"""A drill as one page: verdict, figures, and the timeline drawn. It loads nothing and runs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from labgen.drill.log import Attempt, Log
from labgen.drill.summary import summary
from labgen.drill.tables import seconds
from labgen.drill.verdict import Verdict

WIDTH, LEFT, RIGHT, ROW, BAR = 1400, 210, 30, 34, 20
"""Pixels: the drawing, its labels, what is free at its end, a row, and the bar in it."""
COLOURS = {"ok": "#2e9e5b", "fail": "#d64545", "unknown": "#e6a700"}
LEADS = "#2f6fde"
NOT = "#e3e7ee"
KEYS = ("#174ea6", "#8a4fd0", "#0f9aa8", "#c2571a", "#7a8b00")
"""For the members in the DCS, in their order."""
SAME = 1.5
"""Seconds between two looks with the same answer that are drawn as one."""
FONT = "font-family:system-ui,sans-serif"
STYLE = """
body{font:18px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1440px;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:2rem;margin:0 0 .3rem}h2{font-size:1.3rem;margin:2rem 0 .5rem}
.pass{color:#1f7a45}.fail{color:#b52a2a}.unknown{color:#9a6b00}
table{border-collapse:collapse}th,td{padding:.25rem .9rem .25rem 0;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #1c2430}
svg{width:100%;height:auto}li{margin:.2rem 0}small{color:#5b6675}
"""


def page(log: Log, verdict: Verdict) -> str:
    """The whole page as HTML."""
    told = summary(log, verdict, "")
    title = f"{told['drill']} on {told['lab']}: {verdict.status}"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    done = "".join(f"<li>{escape(operation)}</li>" for operation in told["operations"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1><span class="{verdict.status}">{verdict.status}</span> {escape(log.drill.title)}</h1>\n'
        f"<p><small>{escape(_where(told))}</small></p>\n"
        + (f"<ul>{reasons}</ul>\n" if reasons else "")
        + (f"<p>{escape(log.drill.why)}</p>\n" if log.drill.why else "")
        + f"<h2>What was done</h2><ul>{done}</ul>\n"
        + f"<h2>What happened</h2>\n{timeline(log)}\n{_legend()}\n"
        + f"<h2>Clients</h2>\n{_paths(told)}\n<h2>Cluster</h2>\n{_cluster(told)}\n"
        + f"<p><small>{escape(_exact(told))}</small></p>\n</body></html>\n"
    )


def timeline(log: Log) -> str:
    """The drawing: a row for each path's attempts, then one for each node and for each who says that it leads."""
    rows = [(f"{name}", list(_attempts(log, name, reads))) for name, reads in _paths_of(log)]
    rows += [(KEY, list(_key(log)))]
    for node in log.begin.get("members", ()):
        rows += [(f"{node} writable", list(_leading(log, node, "sql")))]
        rows += [(f"{node} /primary", list(_leading(log, node, "rest")))]
    end = max((bar[1] for _, bars in rows for bar in bars), default=1.0)
    height = ROW * len(rows) + 70
    scale = (WIDTH - LEFT - RIGHT) / end
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="what happened, over time">'
    ]
    names: list[str] = []
    for second in range(0, int(end) + 1, _step(end)):
        x = LEFT + second * scale
        parts.append(f'<line x1="{x:.1f}" y1="30" x2="{x:.1f}" y2="{height - 30}" stroke="#d5dae2"/>')
        parts.append(_text(x, height - 10, f"{second} s", 15, "middle"))
    for index, (label, bars) in enumerate(rows):
        y = 36 + index * ROW
        parts.append(_text(LEFT - 12, y + BAR - 4, label, 15, "end"))
        for start, stop, colour, title in bars:
            width = max((stop - start) * scale, 0.6)
            if label == KEY and width > 9 * len(title):
                names.append(_text(LEFT + (start + stop) / 2 * scale, y + BAR - 5, title, 14, "middle", "#fff"))
            parts.append(
                f'<rect x="{LEFT + start * scale:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}">'
                f"<title>{escape(title)}</title></rect>"
            )
    for deeds, colour, word in ((log.faults, "#b52a2a", "fault"), (log.heals, "#1f7a45", "healed")):
        for deed in deeds:
            moment = deed.start if word == "fault" else deed.end
            x = LEFT + moment * scale
            parts.append(
                f'<line x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{height - 30}" stroke="{colour}" stroke-width="3">'
                f"<title>{escape(deed.title)}</title></line>"
            )
            parts.append(_text(x, 16, word, 16, "middle", colour))
    return "".join([*parts, *names, "</svg>"])


KEY = "leader key in the DCS"
Bar = tuple[float, float, str, str]


def _attempts(log: Log, path: str, reads: bool) -> Iterable[Bar]:
    """Attempts that follow each other with the same outcome on the same server, as one bar."""
    mine = [one for one in (log.reads if reads else log.writes) if one.path == path]
    group: list[Attempt] = []
    for one in mine:
        if group and (one.result, one.server) != (group[-1].result, group[-1].server):
            yield _bar(group)
            group = []
        group.append(one)
    if group:
        yield _bar(group)


def _bar(group: Sequence[Attempt]) -> Bar:
    first, last = group[0], group[-1]
    where = f" by {first.server}" if first.server else ""
    why = f": {last.error}" if last.error else ""
    words = f"{len(group)} × {first.result}{where}, {first.start:.2f} to {last.end:.2f} s{why}"
    return first.start, last.end, COLOURS[first.result], words


def _leading(log: Log, node: str, by: str) -> Iterable[Bar]:
    seen = [one for one in log.sightings if one.node == node and one.by == by]
    bars = (
        (before.time, after.time, LEADS if before.leads else NOT, "yes" if before.leads else "no")
        for before, after in pairwise(seen)
        if before.leads is not None and after.time - before.time <= SAME
    )
    yield from _joined(bars)


def _joined(bars: Iterable[Bar]) -> Iterable[Bar]:
    """Bars that follow each other with the same meaning, as one."""
    last: Bar | None = None
    for bar in bars:
        if last is not None and last[2:] == bar[2:] and bar[0] - last[1] <= SAME:
            last = (last[0], max(last[1], bar[1]), *last[2:])
            continue
        if last is not None:
            yield last
        last = bar
    if last is not None:
        yield last


def _key(log: Log) -> Iterable[Bar]:
    """Whose name the DCS holds, by whoever could ask it."""
    palette = dict(zip(log.begin.get("members", ()), KEYS, strict=False))
    seen = [one for one in log.sightings if one.by == "dcs" and one.leader is not None]
    bars = (
        (before.time, after.time, palette.get(before.leader, LEADS), before.leader)
        for before, after in pairwise(seen)
        if before.leader and after.time - before.time <= SAME
    )
    yield from _joined(bars)


def _paths_of(log: Log) -> list[tuple[str, bool]]:
    return [(str(about["name"]), bool(about.get("reads"))) for about in log.begin.get("paths", ())]


def _text(x: float, y: float, words: str, size: int, anchor: str, colour: str = "#1c2430") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" style="{FONT}">'
        f"{escape(words)}</text>"
    )


def _step(end: float) -> int:
    return next((step for step in (1, 2, 5, 10, 20, 30) if end / step <= 16), 60)


def _legend() -> str:
    words = {
        "acknowledged": COLOURS["ok"],
        "refused": COLOURS["fail"],
        "no answer": COLOURS["unknown"],
        "says that it leads": LEADS,
        "says that it does not": NOT,
    }
    spans = (f'<span style="color:{colour}">■</span> {word}' for word, colour in words.items())
    return f"<p>{' &nbsp; '.join(spans)}</p>"


def _paths(told: dict[str, Any]) -> str:
    rows = [
        [
            path["path"],
            seconds(path["gap"]) + (", still open" if path["open"] else "" if path["held"] else ", till healed"),
            "" if path["expected"] is None else f"≤ {path['expected']:g} s",
            "" if path["predicted"] is None else "{:g}-{:g} s".format(*path["predicted"]) + f" ({path['why']})",
            seconds(path["new_timeline"]),
            str(path["ok"]),
            str(path["fail"]),
            str(path["unknown"]),
        ]
        for path in told["paths"]
    ]
    heads = ["path", "longest gap", "expected", "timers say", "new timeline", "ok", "failed", "unknown"]
    return _table(heads, rows)


def _cluster(told: dict[str, Any]) -> str:
    writes = told["writes"]
    rows = [
        ["fault to new leader key", seconds(told["leader_key"])],
        ["fault to promotion", seconds(told["promoted"])],
        ["fault to full redundancy", seconds(told["whole"])],
        ["of that after healing", seconds(told["rejoined"])],
        *([f"writes {name}", "not counted" if value is None else str(value)] for name, value in writes.items()),
        *(
            [f"{' and '.join(overlap['nodes'])} both writable", seconds(overlap["seconds"])]
            for overlap in told["two_leaders"]
        ),
    ]
    return _table(["figure", "value"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _where(told: dict[str, Any]) -> str:
    words = [f"{told[key]}" for key in ("lab", "blueprint", "profile", "provider", "started") if told.get(key)]
    return ", ".join(dict.fromkeys(words))


def _exact(told: dict[str, Any]) -> str:
    probe = told["probe"]
    clock = max(probe["clocks"].values(), default=0)
    return (
        f"Clients on {told['client']}: a try every {1000 * (probe['interval'] or 0):.0f} ms on each path, given up "
        f"after {probe['deadline'] or 0:g} s. Nodes are looked at every {1000 * (probe['observe'] or 0):.0f} ms. "
        f"Clocks are known to {1000 * clock:.0f} ms."
    )
