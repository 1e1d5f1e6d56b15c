"""A warm `labgen up` against the floor (benchmarks/floor.py), by turns, for each blueprint. Target: 1.2 or less.

Warm means: images and artefacts are there, the lab is not. Two ratios are given: to healthy, which is what the floor
does, and to verified, with labgen's checks; the target is for the first. Boots real labs with docker; needs root as
`up` does.
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
    to_healthy,
    verdict,
)
from benchmarks.floor import Floor
from tests.live import Cli

NAME = "bench"
TARGET = 1.2


def main() -> None:
    wanted = options(__doc__, repeats=3, blueprints=BLUEPRINTS).parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """Floor and `up` by turns."""
    labgen = Cli(work)
    words = (blueprint, "--provider", "docker", *on_subnet(wanted.subnet))
    rendered = work / f"rendered-{blueprint}"
    labgen("image", "build", *words)
    labgen("render", *words, "--name", "floor", "-o", str(rendered))
    floor = Floor(rendered, blueprint)

    def by_hand() -> float:
        floor.down()
        try:
            return floor.up()
        finally:
            floor.down()

    def up() -> dict[str, Any]:
        with lab(labgen, NAME):
            return measured_up(labgen, work, NAME, *words)

    found = by_turns(wanted.repeats, by_hand=by_hand, labgen_up=up)
    floors, ups = found["by_hand"], found["labgen_up"]
    return {
        "floor_seconds": floors,
        "up": ups,
        "ratio_to_healthy": ratio([to_healthy(one) for one in ups], floors),
        "ratio_to_verified": ratio([one["seconds"] for one in ups], floors),
        "target": TARGET,
    }


def table(blueprint: str, result: dict[str, Any]) -> str:
    """The result for people."""
    ups = result["up"]
    lines = [
        blueprint,
        row("floor: nothing to healthy, by hand", result["floor_seconds"], "s"),
        row("labgen up: nothing to healthy", [to_healthy(one) for one in ups], "s"),
        row("labgen up: nothing to verified", [one["seconds"] for one in ups], "s"),
    ]
    titles = dict.fromkeys(title for one in ups for title in one["phases"])
    lines += [row(f"  {title}", [one["phases"].get(title, 0) for one in ups], "s") for title in titles]
    lines += [
        verdict("ratio, to healthy", result["ratio_to_healthy"], result["target"]),
        f"{'ratio, to verified':<48} {result['ratio_to_verified']:8.2f}",
        row("CPU seconds of labgen itself", [one["cpu"] for one in ups], "s"),
        row("CPU seconds of its children (Vagrant, docker)", [one["cpu_children"] for one in ups], "s"),
        row("peak memory of labgen itself", [one["peak_mib"] for one in ups], "MiB"),
    ]
    middle = sorted(ups, key=lambda one: one["seconds"])[len(ups) // 2]
    lines += ["the longest chain of steps, of the round in the middle"]
    lines += [
        f"  {link['step']:<46} {link['seconds']:8.1f} s    from {link['start']:.1f} s" for link in middle["chain"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
