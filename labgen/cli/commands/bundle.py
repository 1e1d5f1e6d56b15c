"""`labgen bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Lab

if TYPE_CHECKING:
    from labgen.bundle.model import About, ReproFacts

MAKE = "make"
MIB, KIB = 1 << 20, 1 << 10


class OrLab(TyperGroup):
    """`bundle LAB` is `bundle make LAB`: what is no word of its own is the name of a lab."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = (*self.commands, *ctx.help_option_names)
        if args and args[0] not in own and not ctx.resilient_parsing:
            args = [MAKE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=OrLab,
    help="Put a lab with all that is known of it into one file, without secrets: labgen bundle LAB -o FILE.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(MAKE)
def make(
    lab: Lab,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The bundle's file. [default: LAB.tar.zst]", show_default=False
        ),
    ] = None,
    repro: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The reproduction that a replay is to show. [default: the one that the lab was made by]",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Leave out what logs say before: 30m, 2h, 1d, or a date.", show_default=False
        ),
    ] = None,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not run the checks.", show_default=False)] = False,
    json: Json = False,
) -> None:
    """Put a lab with all that is known of it into one file (this is also `labgen bundle LAB`).

    Nodes that are down are named in it. Every secret of the lab is taken out, and the file is searched for them before
    it gets its name.
    """
    from labgen.actions.bundle.write import bundle, since_of

    target = output or Path(f"{lab}.tar.zst")
    with err.status(f"Bundling {lab}") as status:
        began = since_of(since) if since else None
        made = bundle(lab, target, status.update, reproduction=repro, since=began, verify=not no_verify)
    about, packed = made.packed.about, made.packed
    if json:
        print_json({"bundle": str(made.path), "issue": str(made.issue), "bytes": packed.size, **told(about)})
        return
    silent = [f"{node} ({why})" for node, why in about.silent.items()]
    out.print(f"{target}: {_size(packed.size)}, {len(about.members)} files", markup=False)
    out.print(f"  nodes       {_nodes(about)}", markup=False)
    if about.checks:
        out.print(f"  checks      {_checks(about)}", markup=False)
    if about.reproduction:
        out.print(f"  shows       {_shown(about.reproduction)}", markup=False)
    out.print(f"  secrets     {_replaced(about)}", markup=False)
    for line in (*(f"nothing of {node}" for node in silent), *about.notes):
        err.print(f"  note: {line}", markup=False, soft_wrap=True)
    out.print(
        f"\n{made.issue.name} is the bug report as Patroni's form wants it: fill in what it leaves open, and attach "
        f"{target.name}.",
        markup=False,
    )
    out.print(f"\n  labgen bundle show {target.name}  what is in it", markup=False)
    out.print(f"  labgen replay {target.name}       makes the same lab from it, on any machine", markup=False)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle.", show_default=False)],
    json: Json = False,
) -> None:
    """Show what is in a bundle, and whether it is whole. Nothing of it is taken in."""
    from labgen.bundle.pack import check

    about = check(file)
    if json:
        print_json({"bundle": str(file), "bytes": file.stat().st_size, **told(about)})
        return
    for line in lines(about):
        out.print(line, markup=False)
    out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file")
    table.add_column("bytes", justify="right")
    for name, member in about.members.items():
        table.add_row(name, f"{member.size:,}")
    out.print(table, markup=False)


def lines(about: About) -> list[str]:
    """What a person wants to know of a bundle first."""
    from labgen.wording import printable

    lab = about.lab
    versions = ", ".join(f"{program} {version}" for program, version in sorted(lab.versions.items()))
    text = [
        f"the lab {lab.name} of labgen {about.labgen}, bundled {about.made[:16].replace('T', ' ')} UTC",
        f"  is          {lab.title}: {lab.blueprint} ({lab.profile}, {lab.os}) on {lab.provider}",
        f"  versions    {versions}",
        f"  packages    {f'{lab.packages}, named by its lock' if lab.packages else 'it has no lock'}",
        f"  nodes       {_nodes(about)}",
    ]
    text += [f"  checks      {_checks(about)}"] if about.checks else []
    text += [f"  shows       {_shown(about.reproduction)}"] if about.reproduction else []
    text += [f"  secrets     {_replaced(about)}"]
    text += [f"  components  {', '.join(about.plugins)} come with other packages"] if about.plugins else []
    text += [f"  note        {note}" for note in about.notes]
    return [printable(line) for line in text]


def told(about: About) -> dict[str, Any]:
    """A bundle for programs."""
    from labgen.bundle.model import plain

    return plain(about)


def _nodes(about: About) -> str:
    names = [name for name in about.lab.nodes if name not in about.silent]
    silent = f"; nothing of {', '.join(about.silent)}" if about.silent else ""
    return f"{', '.join(names) or 'none'}{silent}"


def _checks(about: About) -> str:
    bad = [f"{name} ({status})" for name, status in about.checks.items() if status != "pass"]
    return f"{len(about.checks) - len(bad)} of {len(about.checks)} passed" + (f"; not {', '.join(bad)}" if bad else "")


def _shown(it: ReproFacts) -> str:
    verdict = it.verdict or "not run yet"
    tries = sum(it.tries.values())
    often = f", {it.tries.get('reproduced', 0)} of {tries} tries" if tries > 1 else ""
    return f"{it.name}: {it.title} ({verdict}{often})"


def _replaced(about: About) -> str:
    if not about.replaced:
        return "none stood in it"
    times = sum(one.times for one in about.replaced)
    return f"{times} taken out: " + ", ".join(f"{one.secret} {one.times}" for one in about.replaced)


def _size(size: int) -> str:
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / KIB:.0f} KiB"
