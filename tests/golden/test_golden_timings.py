"""What `labgen up --timings` prints, in one golden file: a first `up`, and a second one with nothing to do."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from rich.console import Console

from labgen.actions.lab.timings import PhaseTime, Timings
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cli.timings import timings_table
from labgen.lab.resolve import resolve
from labgen.plan import build_plan
from labgen.provision.timings import Ran, longest_chain

FILE = Path(__file__).parent / "timings.txt"
TITLES = ("Preflight", "Fetch artefacts", "Render", "Boot", "Provision", "Verify")


def first() -> Timings:
    """The whole plan of a lab of four; step number N takes N/10 seconds, each begins as soon as it may."""
    plan = build_plan(resolve(load_blueprint(find_blueprint("etcd-patroni-ops")), provider="docker"))
    began, done = 8.0, {}
    for number, step in enumerate(plan.steps, 1):
        start = max([began, *(done[other].ended for other in step.after)])
        done[step.id] = Ran(step.id, start, start + number / 10)
    end = max(ran.ended for ran in done.values())
    starts = [0.25, 0.5, 0.75, 2.0, began, end, end + 2]
    phases = tuple(PhaseTime(t, a, b - a) for t, (a, b) in zip(TITLES, pairwise(starts), strict=True))
    return Timings(end + 2, phases, tuple(done.values()), longest_chain(plan, done.values()))


def second() -> Timings:
    phases = tuple(PhaseTime(title, 0.2 + number / 4, 0.25) for number, title in enumerate(TITLES[:3]))
    return Timings(0.95, phases, (), ())


def test_timings(golden: Callable[[Path, str], None]) -> None:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    for timings in (first(), second()):
        console.print(timings_table(timings))
        console.print()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    golden(FILE, "\n".join(line.rstrip() for line in text.splitlines()) + "\n")
