"""`labgen image`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Blueprint, Components, Json, Profile, Provider, Set, wish_of

app = typer.Typer(
    help="Build, list and remove the images that labs boot from.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("build")
def build(
    lab: Blueprint,
    provider: Provider = None,
    profile: Profile = None,
    set_: Set = None,
    components: Components = None,
) -> None:
    """Build the images of a lab ahead of time, so that `up` need not."""
    from labgen.actions.images import build_images

    wish = wish_of(lab, provider, profile, set_=set_, components=components)
    with err.status("Building images") as shown:
        names = build_images(wish, lambda text: shown.update(text))
    for name in names:
        out.print(name)


@app.command("list")
def list_(json: Json = False) -> None:
    """List the images on this machine: size, and which labs use them."""
    from labgen.actions.images import image_lines

    lines = image_lines()
    if json:
        print_json(lines)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("image", "provider", "MiB", "made", "used by"):
        table.add_column(heading)
    for line in lines:
        table.add_row(line["name"], line["provider"], str(line["mib"]), line["made"], ", ".join(line["labs"]) or "–")
    out.print(table if lines else "There are no images yet: labgen image build LAB, or labgen up LAB, makes them.")


@app.command("prune")
def prune(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the images that no lab uses."""
    from labgen.actions.images import prune as remove
    from labgen.actions.images import unused_images

    names = unused_images()
    if not names:
        err.print("Every image is in use.")
        return
    for name in names:
        err.print(f"  {name}")
    if not yes:
        typer.confirm(f"Remove these {len(names)} images?", abort=True)
    remove(names)
    err.print(f"{len(names)} images are gone.")
