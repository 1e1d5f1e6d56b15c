"""A drill as one page: verdict, figures, and the timeline drawn. It loads nothing and runs no script.

It is made to be thrown at a wall: what a class has to see is on the first screen of 1280 by 800.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from labgen.drill.judge.log import Log
from labgen.drill.judge.verdict import DrillVerdict
from labgen.drill.report.drawing import LEGEND, timeline
from labgen.drill.report.summary import DrillSummary, summary
from labgen.drill.report.tables import outage_of, seconds

STYLE = """
body{font:clamp(17px,1.15vw,22px)/1.4 system-ui,sans-serif;margin:1rem auto;max-width:1780px;padding:0 1.2rem;
color:#1c2430;background:#fff}
h1{font-size:1.8em;margin:0}h2{font-size:1.2em;margin:1.6rem 0 .4rem}p{margin:.3rem 0}
.badge{color:#fff;border-radius:.3em;padding:0 .4em;margin-right:.3em}
.badge.pass{background:#1f7a45}.badge.fail{background:#b52a2a}.badge.unknown{background:#9a6b00}
.reasons{margin:.5rem 0;padding-left:1.4em}.reasons.fail{color:#b52a2a}.reasons.unknown{color:#7a5500}
.cards{display:flex;flex-wrap:wrap;gap:.6rem;margin:.7rem 0}
.card{border:1px solid #c9d0db;border-left:.4em solid #1f7a45;border-radius:.3em;padding:.2em .8em}
.card.bad{border-left-color:#b52a2a}.card.plain{border-left-color:#c9d0db}.card b{display:block;font-size:1.6em}
table{border-collapse:collapse}th,td{padding:.2rem 1.1rem .2rem 0;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #1c2430}
svg{width:100%;height:auto;display:block}small{color:#4a5463;font-size:.85em}
"""


def page(log: Log, verdict: DrillVerdict) -> str:
    """The whole page as HTML."""
    told = summary(log, verdict, "")
    title = f"{told.drill} on {told.lab}: {verdict.status}"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    done = "; then ".join(told.operations)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f'<h1><span class="badge {verdict.status}">{verdict.status}</span>{escape(log.drill.title)}</h1>\n'
        f"<p>{escape(done)} <small>({escape(_where(told))})</small></p>\n"
        + (f'<ul class="reasons {verdict.status}">{reasons}</ul>\n' if reasons else "")
        + f'<div class="cards">{"".join(_cards(told))}</div>\n'
        + f"{timeline(log, verdict.measures)}\n{_legend()}\n"
        + (f"<p>Why: {escape(log.drill.why)}</p>\n" if log.drill.why else "")
        + f"<h2>Clients</h2>\n{_paths(told)}\n<h2>Cluster</h2>\n{_cluster(told)}\n"
        + f"<p><small>{escape(_exact(told))}</small></p>\n</body></html>\n"
    )


def _cards(told: DrillSummary) -> Iterable[str]:
    """The figures that one came for, large."""
    for path in told.paths:
        limit = path.expected
        bad = path.open or (limit is not None and path.outage > limit)
        kind = "read" if path.reads else "write"
        what = f"without a {kind}" + ("" if limit is None else f", expected ≤ {limit:g} s")
        yield _card(path.path, outage_of(path), what, "bad" if bad else "")
    lost = told.writes.lost
    counted = "not counted" if lost is None else str(lost)
    yield _card(
        "writes lost", counted, f"of {told.writes.acknowledged}", "bad" if lost else "plain" if lost is None else ""
    )
    key = told.leader_key
    yield _card("new leader", "none" if key is None else f"after {seconds(key)}", "by the DCS", "plain")
    both = sum(overlap.seconds for overlap in told.two_leaders)
    yield _card("two leaders", seconds(both) if both else "never", "at once", "bad" if both else "")


def _card(name: str, figure: str, what: str, kind: str) -> str:
    return f'<div class="card {kind}">{escape(name)}<b>{escape(figure)}</b><small>{escape(what)}</small></div>'


def _legend() -> str:
    spans = (f'<span style="color:{colour}">■</span> {escape(word)}' for word, colour in LEGEND.items())
    return f"<p><small>{' &nbsp; '.join(spans)}</small></p>"


def _paths(told: DrillSummary) -> str:
    rows = [
        [
            path.path + (" (reads)" if path.reads else ""),
            outage_of(path),
            "" if path.expected is None else f"≤ {path.expected:g} s",
            "" if path.predicted is None else "{:g}-{:g} s".format(*path.predicted),
            seconds(path.new_timeline),
            seconds(path.outage_before),
            str(path.ok),
            str(path.fail),
            str(path.unknown),
        ]
        for path in told.paths
    ]
    heads = ["path", "longest gap", "expected", "timers say", "new timeline", "before", "ok", "refused", "no answer"]
    reasons = "".join(
        f"<br>{escape(path.path)}: {escape(path.why)}" for path in told.paths if path.predicted is not None
    )
    return _table(heads, rows) + (f"<p><small>The timers, in seconds:{reasons}</small></p>" if reasons else "")


def _cluster(told: DrillSummary) -> str:
    rows = [
        ["fault to new leader key", seconds(told.leader_key)],
        ["fault to promotion", seconds(told.promoted)],
        ["fault to full redundancy", seconds(told.fully_replicated)],
        ["of that after healing", seconds(told.replica_rejoin)],
        *(
            [f"writes {name}", "not counted" if value is None else str(value)]
            for name, value in told.writes.to_json().items()
        ),
        *([f"{' and '.join(overlap.nodes)} both writable", seconds(overlap.seconds)] for overlap in told.two_leaders),
    ]
    return _table(["figure", "value"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _where(told: DrillSummary) -> str:
    words = (told.lab, told.blueprint, told.profile, told.provider, told.started)
    return ", ".join(dict.fromkeys(word for word in words if word))


def _exact(told: DrillSummary) -> str:
    probe = told.probe
    return (
        f"Clients on {told.client}: a try every {1000 * (probe.interval or 0):.0f} ms on each path, given up "
        f"after {probe.deadline or 0:g} s. Nodes are looked at every {1000 * (probe.observe or 0):.0f} ms. "
        f"Clocks are known to {1000 * probe.clock:.0f} ms."
    )
