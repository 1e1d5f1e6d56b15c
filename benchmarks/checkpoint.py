"""Restoring a checkpoint, until the lab is verified, against a warm `up`, by turns. Target: 0.5 or less.

One lab is brought up, saved and halted; each round then makes and removes another one of the same blueprint, restores
the first from its checkpoint, which ends with its checks as `up` does, and halts it again. Boots real labs; needs root
as `up` does.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.common import (
    BLUEPRINTS,
    by_turns,
    lab,
    measured_up,
    on_subnet,
    options,
    ratio,
    row,
    scratch,
    show,
    timed,
    verdict,
)
from tests.live import Cli

KEPT, MADE, POINT = "bench-kept", "bench-made", "healthy"
TARGET = 0.5


def main() -> None:
    parser = options(__doc__, repeats=3, blueprints=BLUEPRINTS[:1])
    parser.add_argument("--provider", default="docker", choices=("docker", "libvirt"))
    wanted = parser.parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS[:1]}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """`up` and `checkpoint restore` by turns."""
    labgen = Cli(work)
    words = (blueprint, "--provider", wanted.provider, *on_subnet(wanted.subnet))
    # The lab that is made in each round has a range that labgen finds for it: the other lab keeps its own.
    other = (blueprint, "--provider", wanted.provider)
    with lab(labgen, KEPT):
        labgen("up", *words, "--name", KEPT)
        saved = timed(lambda: labgen("checkpoint", "save", KEPT, POINT))
        labgen("halt", KEPT)

        def up() -> float:
            with lab(labgen, MADE):
                return float(measured_up(labgen, work, MADE, *other)["seconds"])

        def restore() -> float:
            seconds = timed(lambda: labgen("checkpoint", "restore", KEPT, POINT))
            labgen("halt", KEPT)
            return seconds

        found = by_turns(wanted.repeats, labgen_up=up, restore=restore)
    return {
        "save_seconds": saved,
        "up_seconds": found["labgen_up"],
        "restore_seconds": found["restore"],
        "ratio": ratio(found["restore"], found["labgen_up"]),
        "target": TARGET,
    }


def table(blueprint: str, result: dict[str, Any]) -> str:
    """The result for people."""
    return "\n".join(
        [
            blueprint,
            row("checkpoint save", [result["save_seconds"]], "s"),
            row("labgen up: nothing to verified", result["up_seconds"], "s"),
            row("checkpoint restore: halted to verified", result["restore_seconds"], "s"),
            verdict("ratio", result["ratio"], result["target"]),
        ]
    )


if __name__ == "__main__":
    main()
