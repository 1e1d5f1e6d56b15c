"""`labgen switchover`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.members import members_json, members_table
from labgen.cli.options import Json, Lab, complete_nodes


def command(
    lab: Lab,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="NODE",
            help="Who takes over. [default: the best replica, a synchronous one first]",
            autocompletion=complete_nodes,
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Hand the lead over to another node, in order and without losing anything; waits until the old leader follows."""
    from labgen.actions.cluster.switchover import switchover

    with err.status(f"Switchover in {lab}") as status:
        done = switchover(lab, to, status.update)
    if json:
        print_json(
            {
                "lab": lab,
                "from": done.old,
                "to": done.new,
                "seconds": {"leads": round(done.led, 1), "follows": round(done.whole, 1)},
                "before": members_json(done.before),
                "after": members_json(done.after),
            }
        )
        return
    out.print(members_table(done.before, "before"))
    out.print()
    out.print(members_table(done.after, "after"))
    out.print(
        f"\n[bold]{done.new}[/] leads since {done.led:.1f} s after the command was given, "
        f"and {done.old} follows it since {done.whole:.1f} s."
    )
