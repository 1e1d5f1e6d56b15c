"""`labgen drill`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Lab

if TYPE_CHECKING:
    from labgen.actions.drill import DrillOutcome
    from labgen.drill.report.summary import DrillSummary

app = typer.Typer(
    help="Break a lab on purpose, under load; measure, heal, judge.", no_args_is_help=True, rich_markup_mode=None
)


def complete_drills(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the lab's drills, and of faults, for the shell."""
    from labgen.actions.session.open import existing_lab
    from labgen.errors import LabgenError
    from labgen.plugins import FAULTS, plugin_names

    try:
        names = [drill.name for drill in existing_lab(str(ctx.params.get("lab"))).lab.blueprint.drills]
    except LabgenError:
        names = []
    return sorted(name for name in {*names, *plugin_names(FAULTS)} if name.startswith(incomplete))


HtmlFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the timeline too.", show_default=False)
]


@app.command("run")
def run(
    lab: Lab,
    drill: Annotated[
        str,
        typer.Argument(
            metavar="DRILL",
            help="One of the lab's drills, a file with one, or a fault.",
            autocompletion=complete_drills,
            show_default=False,
        ),
    ],
    repeat: Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Play it N times.")] = 1,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change the drill: target=replica, hold=20, expect.outage=15. May be repeated.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    html: HtmlFile = None,
) -> None:
    """Play a drill: a fault under load through every path, healed afterwards. Exits with 1 unless it passes."""
    from labgen.actions.drill import run_drill
    from labgen.drill.judge.verdict import DrillStatus
    from labgen.drill.report.summary import series, summary
    from labgen.drill.report.tables import series_table

    if html is not None:
        _refuse_unwritable(html)
    shown: list[DrillSummary] = []

    def tell(outcome: DrillOutcome) -> None:
        shown.append(summary(outcome.log, outcome.verdict, str(outcome.path)))
        if not json:
            _print(shown[-1])

    try:
        with err.status(f"Drill {drill} on {lab}") as status:
            outcomes = run_drill(lab, drill, set_ or (), repeat, status.update, tell)
    finally:
        # What was measured before a later one could not be played is worth something, too.
        if json and shown:
            told = [run.to_json() for run in shown]
            print_json(told[0] if repeat == 1 else {"runs": told, "series": [row.to_json() for row in series(shown)]})
        elif repeat > 1 and shown:
            passed = sum(run.status is DrillStatus.PASS for run in shown)
            out.print(f"{passed} of {len(shown)} passed; times in seconds:")
            out.print(series_table(series(shown)))
    if html is not None:
        _write_page(outcomes[-1], html)
    if any(outcome.verdict.status is not DrillStatus.PASS for outcome in outcomes):
        raise typer.Exit(1)


@app.command("list")
def list_(lab: Lab, json: Json = False) -> None:
    """List the lab's drills, what they expect, and all faults there are."""
    from labgen.actions.drill import drills_of
    from labgen.drill.report.describe import drill_rows, fault_rows

    drills, faults, provider = drills_of(lab)
    rows, more = drill_rows(drills), fault_rows(faults, provider)
    if json:
        print_json({"drills": rows, "faults": more})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("drill", "faults", "expected"):
        table.add_column(heading)
    for row in rows:
        table.add_row(row["name"], escape("; then ".join(row["faults"])), escape(row["expected"]))
    out.print(table if rows else f"the blueprint of {lab} has no drills; each fault can be played by itself")
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("fault", "usual target", "what happens to it"):
        table.add_column(heading)
    for row in more:
        why = f"; not with {provider}: {row['refused']}" if row["refused"] else ""
        table.add_row(row["name"], row["target"], row["title"] + why)
    out.print(table)


@app.command("heal")
def heal(lab: Lab) -> None:
    """Undo what a drill that was cut off has left behind. Where there is nothing to undo it says so."""
    from labgen.actions.drill import heal as heal_lab

    with err.status(f"Healing {lab}") as status:
        healed = heal_lab(lab, status.update)
    for title in healed:
        out.print(f"healed: {title}")
    if not healed:
        out.print(f"there is nothing to heal in {lab}")


@app.command("recheck")
def recheck(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A log of a drill (.jsonl).", show_default=False)],
    json: Json = False,
    html: HtmlFile = None,
) -> None:
    """Compute figures and verdict again from a raw log, and nothing else. Exits with 1 unless it passes."""
    from labgen.actions.drill import recheck as judged
    from labgen.drill.judge.verdict import DrillStatus
    from labgen.drill.report.summary import summary

    if html is not None:
        _refuse_unwritable(html)
    outcome = judged(log)
    told = summary(outcome.log, outcome.verdict, str(outcome.path))
    if json:
        print_json(told.to_json())
    else:
        _print(told)
    if html is not None:
        _write_page(outcome, html)
    if outcome.verdict.status is not DrillStatus.PASS:
        raise typer.Exit(1)


def _print(run: DrillSummary) -> None:
    from labgen.drill.report.tables import cluster_lines, path_table, verdict_lines

    for line in verdict_lines(run):
        out.print(line)
    out.print()
    out.print(path_table(run))
    out.print()
    for line in cluster_lines(run):
        out.print(line, markup=False)
    out.print(f"raw log: {run.log}\n", markup=False)


def _refuse_unwritable(path: Path) -> None:
    """Raise UsageError if no page can be written to PATH: that should not come to light after the drill."""
    from labgen.errors import UsageError

    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        why = (
            "it is a folder" if path.is_dir() else "it may not be written" if folder.is_dir() else f"no folder {folder}"
        )
        raise UsageError(f"no page can be written to {path}: {why}", where="--html", cure="name another file")


def _write_page(outcome: DrillOutcome, path: Path) -> None:
    from labgen.drill.report.page import page

    path.write_text(page(outcome.log, outcome.verdict), encoding="utf-8")
    err.print(f"page: {path}", markup=False)
