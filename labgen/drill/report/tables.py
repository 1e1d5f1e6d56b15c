"""A drill's figures in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from labgen.drill.judge.verdict import DrillStatus
from labgen.drill.report.summary import DrillSummary, PathSummary, SeriesRow

COLOURS = {DrillStatus.PASS: "green", DrillStatus.FAIL: "red", DrillStatus.UNKNOWN: "yellow"}


def verdict_lines(run: DrillSummary) -> Iterable[str]:
    """The verdict and its reasons, with markup."""
    colour = COLOURS[run.status]
    yield f"[bold {colour}]{run.status}[/] {escape(run.drill)}: {escape(run.title)}"
    for reason in run.failures:
        yield f"  [red]✗[/] {escape(reason)}"
    for reason in run.doubts:
        yield f"  [yellow]?[/] {escape(reason)}"


def path_table(run: DrillSummary) -> Table:
    """One line a path: what was measured beside what was expected and what the timers say."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("path")
    for heading in ("longest gap", "expected", "timers say", "new timeline", "before", "ok", "failed", "unknown"):
        table.add_column(heading, justify="right")
    for path in run.paths:
        expected, predicted = path.expected, path.predicted
        table.add_row(
            escape(path.path) + (" (reads)" if path.reads else ""),
            outage_of(path),
            "" if expected is None else f"≤ {expected:g} s",
            "" if predicted is None else f"{predicted[0]:g}-{predicted[1]:g} s",
            seconds(path.new_timeline),
            seconds(path.outage_before),
            str(path.ok),
            str(path.fail),
            str(path.unknown),
        )
    return table


def outage_of(path: PathSummary) -> str:
    """The longest outage, and how it ended."""
    ended = ", still open" if path.open else ", till healed" if path.recovered_before_heal is False else ""
    return seconds(path.outage) + ended


def cluster_lines(run: DrillSummary) -> Iterable[str]:
    """The cluster's own times, the rows, and how exact all this is."""
    yield "; ".join(run.operations)
    told = [
        f"{title} after {seconds(value)}"
        for title, value in (
            ("new leader key", run.leader_key),
            ("promoted", run.promoted),
            ("whole", run.fully_replicated),
        )
        if value is not None
    ]
    if run.replica_rejoin is not None:
        told.append(f"{seconds(run.replica_rejoin)} of that after healing")
    if told:
        yield ", ".join(told)
    writes = run.writes
    figures = {"lost": writes.lost, "recovered": writes.recovered, "unexpected": writes.unexpected}
    counted = [f"{value} {word}" for word, value in figures.items() if value is not None]
    yield f"{writes.acknowledged} writes acknowledged" + "".join(f", {words}" for words in counted)
    probe = run.probe
    yield (
        f"clients on {run.client}: an attempt every {1000 * (probe.interval or 0):.0f} ms on each path, "
        f"given up after {probe.deadline or 0:g} s; clocks are known to {1000 * probe.clock:.0f} ms"
    )


def series_table(rows: Sequence[SeriesRow]) -> Table:
    """Minimum, median and maximum of several runs, and what the timers say."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    for heading in ("minimum", "median", "maximum", "timers say", "runs"):
        table.add_column(heading, justify="right")
    for row in rows:
        cells = ["" if value is None else f"{value:g}" for value in (row.minimum, row.median, row.maximum)]
        said = "" if row.predicted is None else "{:g}-{:g}".format(*row.predicted)
        table.add_row(row.figure, *cells, said, str(row.runs))
    return table


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"
