"""`labgen checkpoint`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Lab

app = typer.Typer(
    help="Keep a lab as it is at one moment, and bring it back to that.", no_args_is_help=True, rich_markup_mode=None
)

COLOURS = {"verified": "green", "failed": "red"}


def moment(saved: str) -> str:
    """SAVED as it is read best: to the second, in UTC."""
    return saved[:19].replace("T", " ")


def complete_checkpoints(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of checkpoints of the lab that stands before, for the shell."""
    from labgen.actions.session.checkpoints import store_of
    from labgen.actions.session.open import existing_lab
    from labgen.errors import LabgenError

    try:
        found = store_of(existing_lab(str(ctx.params.get("lab")))).all()
    except LabgenError:
        return []
    return [checkpoint.name for checkpoint in found if checkpoint.name.startswith(incomplete)]


New = Annotated[str, typer.Argument(metavar="NAME", help="What the checkpoint is to be called.", show_default=False)]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="One of its checkpoints.", autocompletion=complete_checkpoints, show_default=False
    ),
]


@app.command("save")
def save(
    lab: Lab,
    name: New,
    force: Annotated[bool, typer.Option("--force", help="Replace one of that name.", show_default=False)] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not run the checks first.", show_default=False)
    ] = False,
    json: Json = False,
) -> None:
    """Keep all nodes of a lab that runs as they are at one moment.

    libvirt keeps memory and disks, docker file systems only. Whether the checks pass is written down with it.
    """
    from labgen.actions.checkpoint import save
    from labgen.cli.progress import Progress

    with Progress(err) as progress:
        made = save(lab, name, progress, force=force, verify=not no_verify)
    if json:
        print_json(
            {
                "lab": lab,
                "name": made.name,
                "saved": made.saved,
                "condition": made.condition,
                "about": list(made.about),
                "mib": made.size >> 20,
            }
        )
        return
    out.print(f"[bold]{lab}[/] is kept as [bold]{made.name}[/]: {made.condition}, {made.size >> 20} MiB")
    for line in made.about:
        out.print(f"  {line}", markup=False)
    out.print(f"\n  labgen checkpoint restore {lab} {made.name}  brings it back")


@app.command("restore")
def restore(
    lab: Lab,
    name: Name,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each check's commands and output.")] = False,
    json: Json = False,
) -> None:
    """Bring a lab back to a checkpoint, then verify it. Exits with 1 if a check fails.

    What is on the nodes now is lost.
    """
    from labgen.actions.checkpoint import restore
    from labgen.checks import report_table
    from labgen.checks.report import report_data
    from labgen.cli.progress import Progress

    with Progress(err) as progress:
        run = restore(lab, name, progress)
    report = run.report
    if json:
        told = None if report is None else report_data(report)
        print_json({"lab": lab, "name": name, "left": list(run.remaining), "report": told})
    elif report is not None:
        out.print(report_table(report, verbose=verbose))
    if report is not None and not report.passed:
        raise typer.Exit(1)
    if not json:
        out.print(f"\n[bold]{lab}[/] is back at [bold]{name}[/].")
        if run.remaining:
            out.print(f"It was saved unfinished; labgen up {lab} goes on with:")
            for line in run.remaining:
                out.print(f"  {line}", markup=False)


@app.command("list")
def list_(lab: Lab, json: Json = False) -> None:
    """List the checkpoints of a lab: when, in what condition, how large, and whether they fit the lab as it is."""
    from labgen.actions.checkpoint import checkpoint_lines

    lines = checkpoint_lines(lab)
    if json:
        print_json(lines)
        return
    if not lines:
        out.print(f"{lab} has no checkpoint yet: labgen checkpoint save {lab} NAME")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("checkpoint", "saved (UTC)", "condition", "MiB", "fits the lab"):
        table.add_column(heading, justify="right" if heading == "MiB" else "left")
    for line in lines:
        colour = COLOURS.get(line["condition"], "yellow")
        fits = "yes" if line["fits"] else "no: " + "; ".join(line["differences"])
        table.add_row(line["name"], moment(line["saved"]), f"[{colour}]{line['condition']}[/]", str(line["mib"]), fits)
    out.print(table)


@app.command("delete")
def delete(lab: Lab, name: Name) -> None:
    """Remove a checkpoint and all that is kept for it."""
    from labgen.actions.checkpoint import delete

    with err.status(f"Deleting {name}"):
        gone = delete(lab, name)
    err.print(f"The checkpoint {gone.name} of {lab} is gone: {gone.size >> 20} MiB.")
