"""`labgen verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labgen.cli.console import err, harmless_json, out
from labgen.cli.options import Json, Lab


def complete_checks(incomplete: str) -> list[str]:
    from labgen.checks import check_names

    return [name for name in check_names() if name.startswith(incomplete)]


def command(
    lab: Lab,
    check: Annotated[
        list[str] | None,
        typer.Option(help="Only this check. May be repeated.", autocompletion=complete_checks, show_default=False),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show each check's commands and what they printed.")
    ] = False,
    json: Json = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit report too.", show_default=False)
    ] = None,
    settle: Annotated[
        float, typer.Option(metavar="SECONDS", help="Give a check that does not pass yet so much time.")
    ] = 0.0,
) -> None:
    """Prove that the lab works, by the commands a DBA would type. Exits with 1 if a check fails."""
    from labgen.actions.lab.verify import verify
    from labgen.checks import report_table, to_json, to_junit

    notes: list[str] = []
    with err.status(f"Verifying {lab}"):
        report = verify(lab, check, settle=settle, note=notes.append)
    if junit is not None:
        junit.write_text(to_junit(report), encoding="utf-8")
    if json:
        print(harmless_json(to_json(report)))
    else:
        out.print(report_table(report, verbose=verbose))
    for line in notes:
        err.print(line, markup=False)
    if not report.passed:
        raise typer.Exit(1)
