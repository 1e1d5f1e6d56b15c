"""`labgen repro`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labgen.cli.console import err, out, print_json
from labgen.cli.options import Components, Json, OverridesFiles, Profile, Provider, Set

if TYPE_CHECKING:
    from labgen.actions.repro.run import ReproRequest
    from labgen.repro.play import Attempt

app = typer.Typer(
    help="Show a bug on a lab: do what a reproduction says, and judge what is seen then.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def complete_reproductions(incomplete: str) -> list[str]:
    """Names of the reproductions that ship with labgen, for the shell."""
    from labgen.repro.document import reproduction_files

    return [name for name in reproduction_files() if name.startswith(incomplete)]


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A reproduction's file, or the name of one that ships with labgen.",
        autocompletion=complete_reproductions,
        show_default=False,
    ),
]
LabName = Annotated[
    str | None,
    typer.Option(
        "--name", envvar="LABGEN_NAME", help="The lab's name. [default: the reproduction's]", show_default=False
    ),
]


def options_of(
    name: str | None,
    provider: str | None,
    profile: str | None,
    set_: list[str] | None,
    files: list[Path] | None,
    components: list[Path] | None,
) -> ReproRequest:
    """What these options ask for, beside a reproduction's own."""
    from labgen.actions.repro.run import ReproRequest

    return ReproRequest(name, provider, profile, tuple(set_ or ()), tuple(files or ()), tuple(components or ()))


@app.command("run")
def run(
    file: File,
    name: LabName = None,
    provider: Provider = None,
    profile: Profile = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="Try it N times. [default: as the file says]", show_default=False
        ),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--destroy/--keep", help="Remove the lab afterwards, or leave it up to be looked at.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all evidence of all tries.")] = False,
    json: Json = False,
    # For `matrix`, which runs a labgen for each of its cells.
    events: Annotated[bool, typer.Option("--events", hidden=True)] = False,
) -> None:
    """Make the lab, do what the file says, and judge. Exits with 0 if the bug is reproduced, else with 1."""
    from labgen.actions.repro.run import request_of, run_reproduction
    from labgen.cli.events import EventReporter, emit, errors_told
    from labgen.cli.progress import Progress
    from labgen.repro.document import find_reproduction, read_written
    from labgen.repro.result import result_data
    from labgen.repro.tables import result_lines

    with errors_told() if events else nullcontext(), Progress(err) as progress:
        path = find_reproduction(file)
        request = request_of(read_written(path), options_of(name, provider, profile, set_, overrides_files, components))
        reporter = EventReporter(progress) if events else progress
        tries = 0

        def tell(one: Attempt) -> None:
            nonlocal tries
            tries += 1
            reporter.note(f"try {tries}: {one.verdict.value}, {one.seconds:.1f} s")

        outcome = run_reproduction(path, reporter, request, repeat=repeat, remove=remove, on_try=tell)
        if isinstance(reporter, EventReporter):
            reporter.end()
    if events:
        emit("result", result=result_data(outcome))
    elif json:
        print_json(result_data(outcome))
    else:
        for line in result_lines(result_data(outcome), whole=verbose):
            out.print(line)
        for line in () if remove else what_stays(outcome.lab.name, outcome.path):
            out.print(line, markup=False)
    if outcome.verdict.value != "reproduced":
        raise typer.Exit(1)


def what_stays(lab: str, path: Path | None) -> Iterator[str]:
    """What to know of a lab that is left up."""
    yield ""
    if path is not None:
        yield f"all evidence: {path}"
    yield f"The lab {lab} stays up as it is now; the same command brings it back to its beginning first."
    yield f"  labgen ssh {lab} NODE       a shell on a node"
    yield f"  labgen destroy {lab} --yes  remove it"


@app.command("validate")
def validate(
    file: File,
    provider: Provider = None,
    profile: Profile = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    json: Json = False,
) -> None:
    """Check a reproduction: everything that can be known before a machine boots."""
    from labgen.actions.repro.run import validate_reproduction

    document, lab = validate_reproduction(file, options_of(None, provider, profile, set_, overrides_files, components))
    about = {
        "reproduction": document.name,
        "lab": lab.blueprint.name,
        "os": lab.os,
        "patroni": lab.versions.get("patroni"),
        "nodes": len(lab.nodes),
        "actions": len(document.actions),
        "conditions": len(document.seen) + len(document.otherwise),
    }
    if json:
        print_json(about)
        return
    what = f"{about['actions']} actions, {about['conditions']} conditions"
    out.print(f"{document.name} is fine: {what}, on {lab.blueprint.name} with {about['nodes']} nodes, {lab.os}")


@app.command("list")
def list_(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="A folder with reproductions. [default: those that ship with labgen]",
            exists=True,
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List reproductions."""
    from labgen.actions.repro.run import reproductions_in
    from labgen.repro.tables import reproductions_table

    found = reproductions_in(folder)
    if json:
        print_json(
            [
                {
                    "name": path.stem,
                    "path": str(path),
                    "sound": it is not None,
                    **({} if it is None else it.model_dump(include={"title", "report", "fixed", "lab"})),
                }
                for path, it in found
            ]
        )
        return
    faulty = "has faults: labgen repro validate"
    out.print(
        reproductions_table(
            [path.stem, *((it.report, it.fixed, it.lab, it.title) if it else ("", "", "", f"{faulty} {path}"))]
            for path, it in found
        )
    )
