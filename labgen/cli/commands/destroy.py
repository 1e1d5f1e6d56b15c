"""`labgen destroy`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import err
from labgen.cli.options import Lab
from labgen.errors import UsageError


def command(
    lab: Lab,
    orphan: Annotated[
        bool,
        typer.Option(
            "--orphan",
            help="Remove it even if it is another folder's or user's, or its folder is lost (labgen list --all).",
            show_default=False,
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)] = False,
) -> None:
    """Remove the lab's machines, networks, checkpoints and folder. Images and cached files stay."""
    from labgen.actions.lab.destroy import destroy
    from labgen.actions.session.remains import known_lab

    nodes = len(known_lab(lab, orphan=orphan).nodes)
    if not yes:
        if not err.is_terminal:
            raise UsageError(f"destroy removes the {nodes} nodes of {lab}", cure="say --yes")
        typer.confirm(f"Remove the {nodes} nodes of {lab} and all that is on them?", abort=True)
    with err.status(f"Destroying {lab}"):
        destroy(lab, orphan=orphan)
    err.print(f"{lab} is gone.")
