"""`labgen replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Json, Name, Provider

if TYPE_CHECKING:
    from labgen.actions.bundle.proposal import ReplayProposal
    from labgen.actions.bundle.replay import Replayed
    from labgen.repro.play import Attempt


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle.", show_default=False)],
    name: Name = None,
    provider: Provider = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", show_default=False)] = False,
    keep: Annotated[bool, typer.Option("--keep/--destroy", help="Leave the lab up, or remove it in the end.")] = True,
    no_lock: Annotated[
        bool,
        typer.Option(
            "--no-lock", help="Take the package versions that can be had now, not the bundle's.", show_default=False
        ),
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network: all comes from the cache.")] = False,
    json: Json = False,
) -> None:
    """Make the lab of a bundle again, in the same versions, and compare it with the one that was bundled.

    Nothing of the bundle runs on this machine; its scripts run inside the new lab only. Exits with 1 unless the new lab
    does what the bundled one did.
    """
    from labgen.actions.bundle.proposal import offered
    from labgen.actions.bundle.replay import replay
    from labgen.cli.progress import Progress
    from labgen.errors import UsageError

    with offered(file, lambda _: None, name=name, provider=provider, by_lock=not no_lock) as offer:
        for line in statement(offer):
            err.print(line, markup=False, soft_wrap=True)
        called = offer.opened.lab.name
        if not yes:
            if not err.is_terminal:
                raise UsageError(f"replay makes the lab {called} from the bundle", cure="say --yes")
            typer.confirm(f"Make the lab {called} from it?", abort=True, err=True)
        with Progress(err) as progress:

            def tell(one: Attempt) -> None:
                progress.note(f"{one.verdict.value}, {one.seconds:.1f} s")

            done = replay(offer, progress, keep=keep, offline=offline, on_try=tell)
    if json:
        print_json(_told(file, done))
    else:
        _print(done)
    if not done.same:
        raise typer.Exit(1)


def statement(offer: ReplayProposal) -> list[str]:
    """What would be done, before it is."""
    from labgen.cli.commands.bundle import lines
    from labgen.lab.boxes import box_words
    from labgen.wording import printable

    lab = offer.opened.lab
    versions = ", ".join(f"{program} {version}" for program, version in sorted(lab.versions.items()))
    packages = "the packages of its lock" if offer.by_lock else "the packages that this machine's mirror has now"
    told = [
        "",
        f"From it this labgen would make the lab {lab.name} on {lab.provider}:",
        f"  {len(lab.nodes)} nodes of {lab.os} in {lab.network.cidr}, of {packages}",
        f"  {versions}",
        *(f"  this machine would fetch {address}" for address in offer.addresses),
        "",
        "Nothing of the bundle runs on this machine: machines, files and steps are made anew from its blueprint.",
    ]
    if lab.box is not None:
        told.append(f"But it names a box, and {box_words(lab.box)}.")
    if offer.scripts:
        told.append("These of its scripts run, inside the new lab only:")
        told += [f"  {script}" for script in offer.scripts]
    else:
        told.append("It brings no scripts of its own; what its blueprint sets is used inside the new lab only.")
    told += list(offer.opened.notes)
    return [*lines(offer.about), *map(printable, told), ""]


def _print(done: Replayed) -> None:
    from labgen.repro.result import result_data
    from labgen.repro.tables import result_lines

    if done.outcome is not None:
        for line in result_lines(result_data(done.outcome)):
            out.print(line)
    elif done.checks:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("check", "in the bundle", "here"):
            table.add_column(heading)
        for pair in done.checks:
            style = None if pair.same else "bold red"
            table.add_row(escape(pair.name), escape(pair.then) or "not run", pair.now or "not run", style=style)
        out.print(table)
    else:
        out.print("no checks were run when the bundle was made: there is nothing to compare")
    out.print()
    for line in done.packages:
        out.print(f"other packages: {line}", markup=False)
    if not done.packages:
        out.print("the packages of all nodes are those of the bundle's")
    if done.outcome is not None:
        now = done.outcome.verdict.value
        verdicts = f"{now} here, {done.then or 'not run'} in the bundle"
        out.print(f"the verdict is {'the same' if done.same else 'another'}: {verdicts}")
    else:
        out.print(f"the checks say {'the same' if done.same else 'something else'} as in the bundle")
    if done.kept:
        out.print(f"\n  labgen status {done.lab}         the lab, which is still up", markup=False)
        out.print(f"  labgen destroy {done.lab} --yes  removes it", markup=False)


def _told(file: Path, done: Replayed) -> dict[str, Any]:
    return {
        "bundle": str(file),
        "lab": done.lab,
        "same": done.same,
        "verdict": None if done.outcome is None else {"then": done.then, "now": done.outcome.verdict.value},
        "kept": done.kept,
        "packages": list(done.packages),
        "checks": [{"name": pair.name, "then": pair.then, "now": pair.now} for pair in done.checks],
    }
