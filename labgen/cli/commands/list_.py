"""`labgen list`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from labgen.cli.console import out, print_json
from labgen.cli.options import Json


def command(
    everyone: Annotated[
        bool,
        typer.Option(
            "--all", help="Also the labs on this host that are another folder's or user's.", show_default=False
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List the blueprints there are and the labs on this machine."""
    from labgen.actions.lab.listing import blueprint_lines, elsewhere_lines, lab_lines

    blueprints, labs = blueprint_lines(), lab_lines()
    elsewhere = elsewhere_lines() if everyone else []
    if json:
        print_json({"blueprints": blueprints, "labs": labs} | ({"elsewhere": elsewhere} if everyone else {}))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("blueprint", "nodes", "profiles", "what it is"):
        table.add_column(heading)
    for line in blueprints:
        table.add_row(line["name"], str(line["nodes"]), ", ".join(line["profiles"]), escape(line["title"]))
    out.print(table)
    if labs:
        out.print()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("lab", "blueprint", "network", "profile", "provider"):
            table.add_column(heading)
        for line in labs:
            table.add_row(line["name"], line["blueprint"], line["network"], line["profile"], line["provider"])
        out.print(table)
    else:
        out.print("\nThere is no lab on this machine yet: [bold]labgen up BLUEPRINT[/] makes one.")
    if elsewhere:
        out.print()
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("lab elsewhere", "nodes", "provider", "made by"):
            table.add_column(heading)
        for line in elsewhere:
            table.add_row(line["name"], str(len(line["nodes"])), line["provider"], escape(line["made_by"]))
        out.print(table)
        out.print("labgen destroy LAB --orphan removes one that nobody needs.")
