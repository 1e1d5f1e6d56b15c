"""`labgen validate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Blueprint, Components, Json, OverridesFiles, Provider, Set


def command(
    lab: Blueprint,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    files: Annotated[
        bool,
        typer.Option(
            "--files", help="Have the rendered files checked by the programs that read them, in images that are here."
        ),
    ] = False,
    provider: Provider = None,
    json: Json = False,
) -> None:
    """Check a blueprint: everything that can be known before a machine boots, in every profile."""
    from labgen.actions.lab.validate import validate, warnings
    from labgen.providers import REFERENCE, default_provider, get_provider

    # What else there is to know does not depend on the provider.
    chosen = get_provider(provider or default_provider()).name if files else REFERENCE
    found = validate(
        lab, tuple(set_ or ()), tuple(components or ()), tuple(overrides_files or ()), files=files, provider=chosen
    )
    if json:
        print_json([asdict(sound) for sound in found])
        return
    for line in [*map(str, found), *warnings(found)]:
        out.print(line, markup=False)
    for sound in found:
        for line in sound.unchecked or ():
            err.print(f"{sound.profile}: {line}", markup=False, soft_wrap=True)
