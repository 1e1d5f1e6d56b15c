"""`labgen up`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import err, out
from labgen.cli.options import Blueprint, Components, Name, NoBake, Profile, Provider, Set, wish_of


def command(
    lab: Blueprint,
    provider: Provider = None,
    profile: Profile = None,
    name: Name = None,
    set_: Set = None,
    components: Components = None,
    no_bake: NoBake = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each check's commands and output.")] = False,
) -> None:
    """Boot a lab, provision it and verify it. Goes on where an earlier `up` stopped; does nothing if all is done."""
    from labgen.actions.up import up
    from labgen.checks import report_table
    from labgen.cli.progress import Progress

    wish = wish_of(lab, provider, profile, name, set_, components, no_bake)
    with Progress(err) as progress:
        run = up(wish, progress)
    report = run.report
    assert report is not None  # noqa: S101 - the last phase always makes one
    out.print(report_table(report, verbose=verbose))
    if not report.passed:
        raise typer.Exit(1)
    out.print(_ways_in(run.lab.name, [(path.name, path.host, path.port) for path in run.lab.blueprint.paths]))


def _ways_in(lab: str, paths: list[tuple[str, str, int]]) -> str:
    lines = [f"\n[bold]{lab} is up.[/]"]
    lines += [f"  {name}: {host} port {port}" for name, host, port in paths]
    lines += [
        "",
        f"  labgen show {lab}           what it is, and where it departs from its document",
        f"  labgen ssh {lab} NODE       a shell on a node",
        f"  labgen verify {lab} -v      the checks with their commands and output",
        f"  labgen destroy {lab} --yes  remove it",
    ]
    return "\n".join(lines)
