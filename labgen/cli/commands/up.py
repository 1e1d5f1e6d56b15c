"""`labgen up`."""

from __future__ import annotations

from typing import Annotated

import typer

from labgen.cli.console import err, out
from labgen.cli.options import (
    Blueprint,
    Components,
    LockFile,
    Name,
    NoBake,
    OverridesFiles,
    Profile,
    Provider,
    Set,
    Unset,
    complete_stages,
    request_of,
)


def command(
    lab: Blueprint,
    provider: Provider = None,
    profile: Profile = None,
    name: Name = None,
    set_: Set = None,
    unset: Unset = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    no_bake: NoBake = False,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE",
            help="Stop when all is installed, or configured too, or before COMPONENT is started; nothing is verified. "
            "One of: install, configure, COMPONENT.",
            autocompletion=complete_stages,
            show_default=False,
        ),
    ] = None,
    lock: LockFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use no network: all comes from the cache.")] = False,
    boot_timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="How long a machine may take to answer, if not as long as usual with its provider.",
            show_default=False,
        ),
    ] = None,
    # Its name until 0.1; goes with the next release.
    patience: Annotated[float | None, typer.Option("--patience", min=1, hidden=True)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each check's commands and output.")] = False,
    timings: Annotated[
        bool,
        typer.Option("--timings", help="Show where the seconds went, and keep it in the lab's logs/timings.json."),
    ] = False,
) -> None:
    """Boot a lab, provision it and verify it. Goes on where an earlier `up` stopped; does nothing if all is done."""
    from labgen.actions.lab.timings import Stopwatch
    from labgen.actions.lab.up import up
    from labgen.checks import report_table
    from labgen.cli.progress import Progress
    from labgen.cli.timings import timings_table

    request = request_of(lab, provider, profile, name, set_, components, no_bake, lock, overrides_files, unset)
    with Progress(err) as progress:
        watch = Stopwatch(progress)
        result = up(request, watch, until, offline=offline, boot_timeout=boot_timeout or patience)
        measured = watch.timings(result.plan)
    report = result.report
    if report is not None:
        out.print(report_table(report, verbose=verbose))
    if timings:
        measured.save(result.folder.logs)
        out.print()
        out.print(timings_table(measured))
    if report is None:
        out.print(_stopped(result.lab.name, str(until), result.remaining))
        return
    if not report.passed:
        raise typer.Exit(1)
    out.print(_ways_in(result.lab.name, [(path.name, path.host, path.port) for path in result.lab.blueprint.paths]))


def _stopped(lab: str, until: str, remaining: tuple[str, ...]) -> str:
    if not remaining:
        return f"[bold]{lab}[/] has nothing left to do: {until} was passed before, and nothing is stopped for it."
    lines = [f"[bold]{lab}[/] stops at {until}, and is not verified. What is left:"]
    lines += [f"  {line}" for line in remaining]
    lines += [
        "",
        f"  labgen up {lab}                    goes on from here",
        f"  labgen checkpoint save {lab} NAME  keeps it as it is now",
    ]
    return "\n".join(lines)


def _ways_in(lab: str, paths: list[tuple[str, str, int]]) -> str:
    lines = [f"\n[bold]{lab} is up.[/]"]
    lines += [f"  {name}: {host} port {port}" for name, host, port in paths]
    lines += [
        "",
        f"  labgen show {lab}           what it is, and where it departs from its document",
        f"  labgen ssh {lab} NODE       a shell on a node",
        f"  labgen verify {lab} -v      the checks with their commands and output",
        f"  labgen destroy {lab} --yes  remove it",
    ]
    return "\n".join(lines)
