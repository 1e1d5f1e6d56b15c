"""`labgen scale`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Lab
from labgen.errors import UsageError


def command(
    lab: Lab,
    by: Annotated[
        str,
        typer.Argument(metavar="+N|-N", help="How many Patroni nodes more (+1) or fewer (-1).", show_default=False),
    ],
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each check's commands and output.")] = False,
    json: Json = False,
) -> None:
    """Add Patroni nodes to a lab that runs, or remove the last ones; then verify it.

    A new node is like the last one with Patroni, with the next number and address; it copies the leader and follows it.
    One that goes hands over first if it leads, leaves the cluster in order and is destroyed.
    """
    from labgen.actions.cluster.scale import scale
    from labgen.checks import report_table
    from labgen.cli.progress import Progress

    if not re.fullmatch(r"[+-][1-9]\d?", by):
        raise UsageError(f"'{by}' does not say how many nodes more or fewer", cure=f"labgen scale {lab} +1, or -1")
    with Progress(err) as progress:
        run = scale(lab, int(by), progress)
    report, change = run.report, run.opened.record.scale
    assert report is not None  # noqa: S101 - the last phase always makes one
    nodes = [node.name for node in run.lab.member_nodes]
    if json:
        added = [name for name, _ in change.added]
        print_json(
            {"lab": lab, "nodes": nodes, "added": added, "removed": list(change.removed), "passed": report.passed}
        )
    else:
        out.print(report_table(report, verbose=verbose))
        out.print(f"\n[bold]{lab}[/] has {len(nodes)} Patroni nodes: {', '.join(nodes)}")
    if not report.passed:
        raise typer.Exit(1)
