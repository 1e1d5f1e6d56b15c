"""`labgen validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import print_json, say
from labgen.cli.options import Blueprint, Components, Json, OverridesFiles, Profile, Provider, Set


def command(
    lab: Blueprint,
    profile: Profile = None,
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
    """Check a blueprint: everything that can be known before a machine boots, in every profile or one."""
    from labgen.actions.lab.validate import as_data, validate, warning_lines
    from labgen.errors import UsageError

    words = (tuple(set_ or ()), tuple(components or ()), tuple(overrides_files or ()))
    try:
        found = validate(lab, *words, files=files, provider=_provider(provider) if files else None, only=profile)
    except UsageError as error:
        if not json:
            raise
        print_json(as_data((), error))
        raise typer.Exit(error.exit_code) from None
    if json:
        print_json(as_data(found))
        return
    for line in [*map(str, found), *warning_lines(found)]:
        say(line)
    for report in found:
        for line in report.unchecked or ():
            say(f"{report.profile}: {line}", error=True)


def _provider(name: str | None) -> str:
    from labgen.providers import default_provider, get_provider

    return get_provider(name or default_provider()).name
