"""`labgen fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Components, Json, OverridesFiles, Provider, Set, complete_blueprints, request_of

Labs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LAB…",
        help="Blueprints by name or path, or existing labs.",
        autocompletion=complete_blueprints,
        show_default=False,
    ),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        envvar="LABGEN_PROFILE",
        help="An edition of the labs: modern, next, published. May be repeated. [default: the blueprint's]",
        show_default=False,
    ),
]
LOCK = Path("labgen.lock")
MIB = 1 << 20


WISHES = ("provider", "profile", "set_", "overrides_files", "components", "output")


def command(
    ctx: typer.Context,
    labs: Labs = None,
    provider: Provider = None,
    profile: Profiles = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    lock: Annotated[
        Path,
        typer.Option("--lock", metavar="FILE", help="The lock file; one that is there is kept to.", dir_okay=False),
    ] = LOCK,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Put all of it into this one file, too.", show_default=False
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Take in what `labgen fetch -o FILE` has made.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Fetch all that labs need, so that they come up without a network, and write down its versions in a lock file."""
    from labgen.actions.cache.fetch import fetch, take_in
    from labgen.errors import UsageError

    if bool(labs) == bool(from_):
        raise UsageError(
            "fetch takes either labs or --from FILE", cure="labgen fetch LAB -o FILE, then labgen fetch --from FILE"
        )
    # What every command takes from the environment was not meant for this one.
    if from_ and any(str(getattr(ctx.get_parameter_source(wish), "name", "")) == "COMMANDLINE" for wish in WISHES):
        raise UsageError("--from takes in an archive as it is", where="--from", cure="leave the other options out")
    with err.status("Taking in" if from_ else "Fetching") as shown:
        if from_:
            fetched = take_in(from_, lock, lambda text: shown.update(text))
        else:
            editions: list[str | None] = [*profile] if profile else [None]
            wishes = [
                request_of(lab, provider, edition, set_=set_, components=components, files=overrides_files)
                for lab in labs or ()
                for edition in editions
            ]
            fetched = fetch(wishes, lock, output, lambda text: shown.update(text))
    made = fetched.lock
    count = sum(len(system.packages) for system in made.systems.values())
    if json:
        print_json(
            {
                "lock": str(lock),
                "labs": [lab.model_dump() for lab in made.labs],
                "packages": count,
                "bytes": fetched.packages,
                "artefacts": [f"{artefact.name} {artefact.version}" for artefact in made.artefacts],
                "archive": str(from_ or output) if from_ or output else None,
                "archive_bytes": fetched.size,
                "notes": fetched.notes,
            }
        )
        return
    for note in fetched.notes:
        err.print(note)
    for lab in made.labs:
        out.print(f"{lab}")
    out.print(
        f"{count} packages ({fetched.packages // MIB} MiB) and {len(made.artefacts)} artefacts are in the cache, "
        f"their versions in {lock}"
    )
    if output:
        out.print(f"{output} holds all of it ({fetched.size // MIB} MiB): labgen fetch --from {output.name}")
    out.print(f"without a network: labgen up {made.labs[0].blueprint} --offline --lock {lock}")
