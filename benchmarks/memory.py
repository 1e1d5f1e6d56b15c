"""Peak memory of labgen, and of the largest program that it starts, during a warm `up` of seven nodes.

No target: the figures are there to be watched. Boots a real lab with docker; needs root as `up` does.
"""

from __future__ import annotations

from typing import Any

from benchmarks.common import BLUEPRINTS, by_turns, lab, measured_up, on_subnet, options, row, scratch, show
from tests.live import Cli

NAME = "bench-memory"


def main() -> None:
    wanted = options(__doc__, repeats=1, blueprints=BLUEPRINTS[:1]).parse_args()
    result = {}
    with scratch() as work:
        labgen = Cli(work)
        for blueprint in wanted.blueprint or BLUEPRINTS[:1]:
            words = (blueprint, "--provider", "docker", *on_subnet(wanted.subnet))
            labgen("image", "build", *words)

            def up(words: tuple[str, ...] = words) -> dict[str, Any]:
                with lab(labgen, NAME):
                    return measured_up(labgen, work, NAME, *words)

            result[blueprint] = by_turns(wanted.repeats, labgen_up=up)["labgen_up"]
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def table(blueprint: str, ups: list[dict[str, Any]]) -> str:
    """The result for people."""
    return "\n".join(
        [
            blueprint,
            row("peak memory of labgen itself", [one["peak_mib"] for one in ups], "MiB"),
            row("peak memory of its largest child (Vagrant)", [one["peak_child_mib"] for one in ups], "MiB"),
        ]
    )


if __name__ == "__main__":
    main()
