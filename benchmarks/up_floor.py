"""A warm `labgen up` against the floor, by turns: `python -m benchmarks.up_floor [--repeats N] [--json]`.

Warm means: images and artefacts are there, the lab is not. Boots real labs with docker; needs root as `up` does.
TEST_SUBNET=192.168.67 uses another subnet than the document's.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.floor import Floor
from tests.live import BLUEPRINT, ON_SUBNET, Cli

NAME = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="labgen-bench-") as work:
        result = measure(Path(work), wanted.repeats)
    print(json.dumps(result, indent=2) if wanted.json else table(result))


def measure(work: Path, repeats: int) -> dict[str, Any]:
    """Floor and `up`, REPEATS times by turns, so that a slow moment of the machine hits both."""
    labgen = Cli(work)
    rendered = work / "rendered"
    labgen("image", "build", BLUEPRINT, "--provider", "docker")
    labgen("render", BLUEPRINT, "--name", "floor", "--provider", "docker", *ON_SUBNET, "-o", str(rendered))
    floor = Floor(rendered)
    floors: list[float] = []
    ups: list[dict[str, Any]] = []
    for number in range(1, repeats + 1):
        print(f"round {number} of {repeats}", file=sys.stderr)
        floor.down()
        try:
            floors.append(floor.up())
        finally:
            floor.down()
        try:
            ups.append(up(labgen, work / "cost.json"))
        finally:
            labgen("destroy", NAME, "--yes", expect=None)
    fastest, total = statistics.median(floors), statistics.median(u["seconds"] for u in ups)
    provisioned = statistics.median(u["seconds"] - u["phases"].get("Verify", 0) for u in ups)
    return {
        "floor_seconds": floors,
        "up": ups,
        "ratio_to_healthy": provisioned / fastest,
        "ratio_to_verified": total / fastest,
    }


def up(labgen: Cli, cost: Path) -> dict[str, Any]:
    """One `up`: seconds in all and by phase, CPU seconds, memory."""
    words = [sys.executable, "-m", "benchmarks.measured", str(cost)]
    words += ["up", BLUEPRINT, "--name", NAME, "--provider", "docker", *ON_SUBNET]
    began = time.monotonic()
    done = subprocess.run(words, env=labgen.environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"labgen up ended with {done.returncode}\n{done.stdout}{done.stderr}")
    phases = {title: float(spent) for title, spent in re.findall(r"^✓ (.+) ([0-9.]+) s$", done.stderr, re.MULTILINE)}
    return {"seconds": seconds, "phases": phases, **json.loads(cost.read_text())}


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    ups = result["up"]

    def row(what: str, values: Sequence[float], unit: str) -> str:
        each = ", ".join(f"{value:.1f}" for value in values)
        return f"{what:<42} {statistics.median(values):6.1f} {unit:<4} ({each})"

    lines = [
        row("floor: nothing to healthy, by hand", result["floor_seconds"], "s"),
        row("labgen up: nothing to healthy", [u["seconds"] - u["phases"].get("Verify", 0) for u in ups], "s"),
        row("labgen up: nothing to verified", [u["seconds"] for u in ups], "s"),
    ]
    lines += [row(f"  {title}", [u["phases"].get(title, 0) for u in ups], "s") for title in ups[0]["phases"]]
    lines += [
        f"{'ratio, to healthy':<42} {result['ratio_to_healthy']:6.2f}",
        f"{'ratio, to verified':<42} {result['ratio_to_verified']:6.2f}",
        row("CPU seconds of labgen itself", [u["cpu"] for u in ups], "s"),
        row("CPU seconds of its children (Vagrant, docker)", [u["cpu_children"] for u in ups], "s"),
        row("peak memory of labgen itself", [u["peak_mib"] for u in ups], "MiB"),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
