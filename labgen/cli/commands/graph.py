"""`labgen graph`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labgen.cli.options import Blueprint, Components, OverridesFiles, Profile, Set, request_of
from labgen.errors import UsageError

BY_ENDING = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".md": "mermaid"}


def complete_formats(incomplete: str) -> list[str]:
    from labgen.actions.lab.graph import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def command(
    lab: Blueprint,
    format: Annotated[
        str | None,
        typer.Option(
            help="mermaid, dot or svg (drawn by Graphviz). [default: by the file's ending, mermaid if there is none]",
            autocompletion=complete_formats,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there instead of printing it.", dir_okay=False),
    ] = None,
    profile: Profile = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
) -> None:
    """Draw a lab: its nodes with their components, who talks to whom, and the ways in."""
    from labgen.actions.lab.graph import graph

    chosen = format or (_by_ending(output) if output else "mermaid")
    text = graph(request_of(lab, profile=profile, set_=set_, components=components, files=overrides_files), chosen)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}", cure="name another file with -o") from None
    print(output)


def _by_ending(output: Path) -> str:
    if output.suffix and output.suffix not in BY_ENDING:
        raise UsageError(
            f"no picture is drawn as {output.suffix}",
            where=f"-o {output}",
            cure=f"there is: {', '.join(BY_ENDING)}; or say which with --format",
        )
    return BY_ENDING.get(output.suffix, "mermaid")
