"""CPU seconds of `validate` and `render` for generated blueprints of 10 to 200 nodes. Target: 20 times as much or less.

Twenty times the nodes may cost twenty times as much; more than that, and something in labgen looks at every node for
every node. What labgen needs before it looks at a blueprint, as `labgen version` tells, is taken off first: it would
make the growth look smaller than it is. Nothing is booted.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from benchmarks.common import by_turns, options, row, scratch, show, verdict
from benchmarks.startup import cpu_seconds
from tests.live import Cli

SIZES = (10, 50, 100, 200)
TARGET = 20.0
NETWORK = IPv4Network("10.77.0.0/22")
DCS = 3  # nodes with etcd, whatever the size
PROXIES = 2


def main() -> None:
    wanted = options(__doc__, repeats=3).parse_args()
    with scratch() as work:
        result = measure(work, wanted.repeats)
    show(result, table(result), as_json=wanted.json)


def blueprint(nodes: int) -> str:
    """A blueprint with so many NODES: three with etcd, two with HAProxy, the others with PostgreSQL and Patroni."""
    addresses = NETWORK.hosts()
    next(addresses)  # the host's own
    lines = []
    for number, address in zip(range(1, nodes + 1), addresses, strict=False):
        kind, components = "pg", "postgresql, patroni"
        if number <= DCS:
            kind, components = "etcd", "etcd"
        elif number <= DCS + PROXIES:
            kind, components = "proxy", "haproxy"
        lines.append(f"  - {{name: {kind}{number}, address: {address}, components: [{components}]}}\n")
    return (
        f"name: many\ntitle: {nodes} nodes\nnetwork: {{cidr: {NETWORK}}}\nnodes:\n{''.join(lines)}"
        "settings:\n  patroni: {scope: many}\n"
        "profiles:\n  modern: {os: debian-13, summary: Debian 13}\n"
    )


def measure(work: Path, repeats: int) -> dict[str, Any]:
    """CPU seconds by command and size, what `labgen version` takes, and the growth from the smallest to the largest."""
    environment = Cli(work / "state").environment
    files = {}
    for size in SIZES:
        files[size] = work / f"many-{size}.yml"
        files[size].write_text(blueprint(size))

    def labgen(*words: str) -> float:
        return cpu_seconds((sys.executable, "-m", "labgen", *words), environment)

    def render(size: int) -> float:
        subprocess.run(["rm", "-rf", str(work / "out")], check=True)
        return labgen("render", str(files[size]), "-o", str(work / "out"), "--provider", "docker", "--no-artefacts")

    def every_size() -> dict[str, Any]:
        return {
            "version": labgen("version"),
            "validate": {size: labgen("validate", str(files[size])) for size in SIZES},
            "render": {size: render(size) for size in SIZES},
        }

    rounds = by_turns(repeats, all_sizes=every_size)["all_sizes"]
    start = [one["version"] for one in rounds]
    result: dict[str, Any] = {"version": start, "target": TARGET}
    for command in ("validate", "render"):
        spent = {size: [one[command][size] for one in rounds] for size in SIZES}
        result[command] = {"cpu_seconds": spent, "growth": growth(spent, statistics.median(start))}
    return result


def growth(spent: dict[int, list[float]], start: float) -> float:
    """How many times as much the largest size takes as the smallest, each without START."""
    smallest, largest = (statistics.median(spent[size]) - start for size in (min(spent), max(spent)))
    return largest / smallest


def table(result: dict[str, Any]) -> str:
    """The result for people, in milliseconds."""
    lines = [row("labgen version", [1000 * value for value in result["version"]], "ms")]
    for command in ("validate", "render"):
        for size, values in result[command]["cpu_seconds"].items():
            lines.append(row(f"labgen {command}, {size} nodes", [1000 * value for value in values], "ms"))
        lines.append(
            verdict(
                f"growth of {command} from {min(SIZES)} to {max(SIZES)}", result[command]["growth"], result["target"]
            )
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
