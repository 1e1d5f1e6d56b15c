"""`labgen status`."""

from __future__ import annotations

from rich.table import Table

from labgen.cli.console import out, print_json
from labgen.cli.options import Json, Lab

COLOURS = {"running": "green", "stopped": "yellow", "paused": "yellow", "absent": "dim"}


def command(lab: Lab, json: Json = False) -> None:
    """Show the lab's machines and how far its steps have come."""
    from labgen.actions.lab.status import status

    found = status(lab)
    opened = found.opened
    if json:
        print_json(
            {
                "lab": opened.lab.name,
                "blueprint": opened.lab.blueprint.name,
                "profile": opened.lab.profile,
                "provider": opened.lab.provider,
                "os": opened.lab.os,
                "network": opened.lab.network.cidr,
                "status": found.summary,
                "steps": found.steps,
                "pending": found.pending,
                "maintenance": found.maintenance,
                "nodes": [
                    {"name": n.name, "address": n.address, "state": found.states[n.name], "components": n.components}
                    for n in opened.lab.nodes
                ],
                "folder": str(opened.folder.path),
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("node", "address", "state", "components"):
        table.add_column(heading)
    for node in opened.lab.nodes:
        state = found.states[node.name]
        colour = COLOURS.get(state, "red")
        table.add_row(node.name, node.address, f"[{colour}]{state}[/]", " ".join(node.components))
    done = found.steps - found.pending
    out.print(
        f"[bold]{opened.lab.name}[/]: {found.summary}; {opened.lab.profile} on {opened.lab.os}, {opened.lab.provider}, "
        f"{opened.lab.network.cidr}; {done} of {found.steps} steps done\n"
    )
    out.print(table)
    if found.maintenance:
        out.print(
            "\n[bold yellow]maintenance mode[/]: Patroni leaves the cluster as it is; "
            f"labgen maintenance {opened.lab.name} off ends it"
        )
    out.print(f"\nfolder: {opened.folder.path}")
