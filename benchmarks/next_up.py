"""A warm `labgen up` of the profile next against modern, by turns, for each blueprint. Target: 1.1 or less.

Warm means: images and artefacts are there, the lab is not. The time counts until the checks have passed. Boots real
labs with docker; needs root as `up` does.
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
    verdict,
)
from tests.live import Cli

NAME = "bench"
PROFILES = ("modern", "next")
TARGET = 1.1


def main() -> None:
    wanted = options(__doc__, repeats=3, blueprints=BLUEPRINTS).parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each profile's `up`, by turns."""
    labgen = Cli(work)

    def words(profile: str) -> tuple[str, ...]:
        return (blueprint, "--profile", profile, "--provider", "docker", *on_subnet(wanted.subnet))

    def up(profile: str) -> dict[str, Any]:
        with lab(labgen, NAME):
            return measured_up(labgen, work, NAME, *words(profile))

    for profile in PROFILES:
        labgen("image", "build", *words(profile))
    results = by_turns(wanted.repeats, modern=lambda: up("modern"), next=lambda: up("next"))
    return {profile: [one["seconds"] for one in ups] for profile, ups in results.items()}


def table(blueprint: str, result: dict[str, list[float]]) -> str:
    rows = [row(f"{blueprint} {profile}", values, "s") for profile, values in result.items()]
    return "\n".join([*rows, verdict("next as a multiple of modern", ratio(result["next"], result["modern"]), TARGET)])


if __name__ == "__main__":
    main()
