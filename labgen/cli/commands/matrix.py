"""`labgen matrix`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from labgen.cli.commands.repro import File, options_of
from labgen.cli.console import err, out, print_json
from labgen.cli.options import Components, Json, OverridesFiles, Profile, Provider, Set

if TYPE_CHECKING:
    from labgen.repro.matrix import Cell, CellResult


def command(
    file: File,
    over: Annotated[
        list[str],
        typer.Option(
            "--over",
            metavar="PATH=VALUE,VALUE",
            help="What the labs differ in: versions.patroni=3.0.1,3.0.2, os=debian-12,debian-13. "
            "May be repeated: every combination is a lab.",
            show_default=False,
        ),
    ],
    provider: Provider = None,
    profile: Profile = None,
    set_: Set = None,
    overrides_files: OverridesFiles = None,
    components: Components = None,
    repeat: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", help="Try each N times. [default: as the file says]", show_default=False
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=16, metavar="N", help="N labs at a time.")] = 1,
    bisect: Annotated[
        bool,
        typer.Option(
            "--bisect",
            help="Find the first version that differs, of all that there are between the ends of --over.",
        ),
    ] = False,
    keep: Annotated[bool, typer.Option("--keep/--destroy", help="Leave the labs up, or remove them.")] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit report too.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Play a reproduction in one lab for each combination of values, and show where the verdict flips.

    Exits with 1 if a lab that can be has no verdict.
    """
    from labgen.actions.repro.matrix import run_bisection, run_matrix
    from labgen.errors import UsageError
    from labgen.repro.document import find_reproduction, read_written
    from labgen.repro.junit import matrix_junit
    from labgen.repro.matrix import IMPOSSIBLE, matrix_data, parse_axes, refuse_one
    from labgen.repro.tables import bisection_lines, flip_lines, matrix_table

    written = read_written(find_reproduction(file))
    options, axes = options_of(None, provider, profile, set_, overrides_files, components), parse_axes(over)
    if bisect and len(axes) != 1:
        raise UsageError("--bisect goes with one --over", where="--over", cure="give the other values by --set")
    if not bisect:
        refuse_one(axes)
    with err.status(f"{written.value.name}") as status:

        def say(cell: Cell, text: str) -> None:
            status.update(f"{' '.join(cell.words)}: {text}")

        def tell(it: CellResult) -> None:
            err.print(f"{' '.join(it.cell.words)}: {it.status}, {it.seconds:.0f} s", markup=False)

        if bisect:
            matrix = run_bisection(written, axes[0], options, keep=keep, repeat=repeat, say=say, on_result=tell)
        else:
            matrix = run_matrix(written, axes, options, jobs=jobs, keep=keep, repeat=repeat, say=say, on_result=tell)
    data = matrix_data(written.value.name, matrix.axes, matrix.results, matrix.bisection)
    if junit is not None:
        text = matrix_junit(written.value.name, written.value.title, matrix.results, matrix.started)
        junit.write_text(text, encoding="utf-8")
    if json:
        print_json(data)
    else:
        out.print(f"[bold]{written.value.name}[/]: {escape(written.value.title)}", end="\n\n")
        out.print(matrix_table(data), soft_wrap=False)
        out.print()
        for line in bisection_lines(data) if bisect else flip_lines(data):
            out.print(line, markup=False)
        out.print(f"all evidence: {matrix.folder}", markup=False)
    if any(not it.judged and it.status != IMPOSSIBLE for it in matrix.results):
        raise typer.Exit(1)
