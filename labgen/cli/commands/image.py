"""`labgen image`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Blueprint, Components, Json, OverridesFiles, Profile, Provider, Set, request_of

app = typer.Typer(
    help="Build, list and remove the images that labs boot from.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("build")
def build(
    lab: Blueprint,
    provider: Provider = None,
    profile: Profile = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
) -> None:
    """Build the images of a lab ahead of time, so that `up` need not."""
    from labgen.actions.cache.images import build_images

    request = request_of(lab, provider, profile, set_=set_, components=components, files=overrides_files)
    with err.status("Building images") as shown:
        names = build_images(request, lambda text: shown.update(text))
    for name in names:
        out.print(name)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the images on this machine and all that the cache holds: size, and which labs use it."""
    from labgen.actions.cache.contents import held

    lines = [thing.line() for thing in held()]
    if json:
        print_json(lines)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("what", "name", "provider", "MiB", "made", "used by"):
        table.add_column(heading)
    for line in lines:
        users = ", ".join(line["labs"]) or "–"
        table.add_row(line["kind"], line["name"], line["provider"] or "–", str(line["mib"]), line["made"], users)
    out.print(table if lines else "There are no images yet: labgen image build LAB, or labgen up LAB, makes them.")


@app.command("prune")
def prune(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the images that no lab uses, and what else in the cache no lab needs."""
    from labgen.actions.cache.contents import remove, unused

    things = unused()
    if not things:
        err.print("All of it is in use.")
        return
    for thing in things:
        err.print(f"  {thing.kind} {thing.name} ({thing.size >> 20} MiB)")
    if not yes:
        typer.confirm("Remove these?", abort=True)
    remove(things)
    err.print(f"{len(things)} are gone, {sum(thing.size for thing in things) >> 20} MiB.")
