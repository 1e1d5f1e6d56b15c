"""`labgen doctor`."""

from __future__ import annotations

import typer
from rich.table import Table

from labgen.cli.console import out, print_json
from labgen.cli.options import Json, Provider
from labgen.errors import HostError


def command(provider: Provider = None, json: Json = False) -> None:
    """Look at this machine: what labgen needs, what there is, how to get the rest. Exits with 3 if it is not ready."""
    from labgen.actions.doctor import examine
    from labgen.actions.plugins import inspect_plugins
    from labgen.cli.plugged import try_command

    findings = examine(provider, inspect_plugins(try_command))
    if json:
        print_json([{"what": f.what, "ok": f.ok, "found": f.found, "cure": f.cure} for f in findings])
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            sign = "[green]✓[/]" if finding.ok else "[red]✗[/]" if finding.required else "[yellow]–[/]"
            table.add_row(sign, finding.what, finding.found if finding.ok else f"{finding.found}\n{finding.cure}")
        out.print(table)
    if any(finding.required and not finding.ok for finding in findings):
        raise typer.Exit(HostError.exit_code)
