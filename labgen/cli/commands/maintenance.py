"""`labgen maintenance`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Lab

WORDS = {"on": True, "off": False}


def complete_words(incomplete: str) -> list[str]:
    return [word for word in WORDS if word.startswith(incomplete)]


def command(
    lab: Lab,
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="[on|off]", help="Without it: how it is.", autocompletion=complete_words),
    ] = None,
    json: Json = False,
) -> None:
    """Switch Patroni's maintenance mode on or off, and wait until every member knows.

    While it is on, PostgreSQL runs and replicates, and nobody takes over from a leader that fails.
    """
    from labgen.actions.cluster.maintenance import maintenance
    from labgen.errors import UnknownNameError

    if wanted is not None and wanted not in WORDS:
        raise UnknownNameError("state of maintenance", wanted, WORDS)
    with err.status(f"Maintenance mode of {lab}") as status:
        found = maintenance(lab, None if wanted is None else WORDS[wanted], status.update)
    if json:
        print_json({"lab": lab, "maintenance": found.on, "members": found.members})
        return
    word = "[bold yellow]on[/]: Patroni leaves the cluster as it is" if found.on else "[bold green]off[/]"
    out.print(f"maintenance mode of {lab} is {word}")
    for member, state in found.members.items():
        said = "does not answer" if state is None else "knows" if state == found.on else "does not know yet"
        out.print(f"  {member} {said}")
    if found.on:
        out.print(f"\nlabgen maintenance {lab} off ends it.")
