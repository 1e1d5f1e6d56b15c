"""A drill's figures in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

COLOURS = {"pass": "green", "fail": "red", "unknown": "yellow"}


def verdict_lines(run: dict[str, Any]) -> Iterable[str]:
    """The verdict and its reasons, with markup."""
    colour = COLOURS[run["verdict"]]
    yield f"[bold {colour}]{run['verdict']}[/] {escape(run['drill'])}: {escape(run['title'])}"
    for reason in run["faults"]:
        yield f"  [red]✗[/] {escape(reason)}"
    for reason in run["doubts"]:
        yield f"  [yellow]?[/] {escape(reason)}"


def path_table(run: dict[str, Any]) -> Table:
    """One line a path: what was measured beside what was expected and what the timers say."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("path")
    for heading in ("longest gap", "expected", "timers say", "new timeline", "before", "ok", "failed", "unknown"):
        table.add_column(heading, justify="right")
    for path in run["paths"]:
        expected, predicted = path["expected"], path["predicted"]
        table.add_row(
            escape(path["path"]) + (" (reads)" if path["for"] == "reading" else ""),
            gap_of(path),
            "" if expected is None else f"≤ {expected:g} s",
            "" if predicted is None else f"{predicted[0]:g}-{predicted[1]:g} s",
            seconds(path["new_timeline"]),
            seconds(path["before"]),
            str(path["ok"]),
            str(path["fail"]),
            str(path["unknown"]),
        )
    return table


def gap_of(path: dict[str, Any]) -> str:
    """The longest gap, and how it ended; `held` is null where nobody healed."""
    return seconds(path["gap"]) + (", still open" if path["open"] else ", till healed" if path["held"] is False else "")


def cluster_lines(run: dict[str, Any]) -> Iterable[str]:
    """The cluster's own times, the rows, and how exact all this is."""
    yield "; ".join(run["operations"])
    told = [
        f"{title} after {seconds(run[key])}"
        for key, title in (("leader_key", "new leader key"), ("promoted", "promoted"), ("whole", "whole"))
        if run[key] is not None
    ]
    if run["rejoined"] is not None:
        told.append(f"{seconds(run['rejoined'])} of that after healing")
    if told:
        yield ", ".join(told)
    writes = run["writes"]
    counted = [f"{writes[key]} {key}" for key in ("lost", "recovered", "unexpected") if writes[key] is not None]
    yield f"{writes['acknowledged']} writes acknowledged" + "".join(f", {words}" for words in counted)
    probe = run["probe"]
    clock = max(probe["clocks"].values(), default=0)
    yield (
        f"clients on {run['client']}: an attempt every {1000 * (probe['interval'] or 0):.0f} ms on each path, "
        f"given up after {probe['deadline'] or 0:g} s; clocks are known to {1000 * clock:.0f} ms"
    )


def series_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Minimum, median and maximum of several runs, and what the timers say."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    for heading in ("minimum", "median", "maximum", "timers say", "runs"):
        table.add_column(heading, justify="right")
    for row in rows:
        cells = ["" if row[key] is None else f"{row[key]:g}" for key in ("minimum", "median", "maximum")]
        said = "" if row["predicted"] is None else "{:g}-{:g}".format(*row["predicted"])
        table.add_row(row["figure"], *cells, said, str(row["runs"]))
    return table


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"
