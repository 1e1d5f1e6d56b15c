"""`labgen render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labgen.cli.console import err, say
from labgen.cli.options import Blueprint, Components, Name, NoBake, OverridesFiles, Profile, Provider, Set, request_of


def command(
    lab: Blueprint,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write.", show_default=False)
    ],
    provider: Provider = None,
    profile: Profile = None,
    name: Name = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    no_bake: NoBake = False,
    no_artefacts: Annotated[
        bool, typer.Option("--no-artefacts", help="Only text: leave out the programs that are fetched or built.")
    ] = False,
) -> None:
    """Write a folder that boots and provisions the lab without labgen; prints the folder's name."""
    from labgen.actions.lab.render import render

    request = request_of(lab, provider, profile, name, set_, components, no_bake, files=overrides_files)
    with err.status("Rendering") as shown:
        written = render(request, output, artefacts=not no_artefacts, progress=lambda text: shown.update(text))
    err.print(f"{written} files written or changed; {output}/README.md says what to do with them")
    say(str(output))
