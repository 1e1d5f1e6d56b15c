"""CPU time that the command line takes before it works, against bare Python's. No target: to be watched.

Nothing is booted.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks.common import by_turns, options, row, scratch, show
from tests.live import Cli

BARE = "python -c pass"
COMMANDS: Mapping[str, tuple[str, ...]] = {
    BARE: ("-c", "pass"),
    "labgen --help": ("-m", "labgen", "--help"),
    "labgen version": ("-m", "labgen", "version"),
    "labgen list": ("-m", "labgen", "list"),
    "labgen validate": ("-m", "labgen", "validate", "consul-pgbouncer"),
}


def main() -> None:
    wanted = options(__doc__, repeats=10).parse_args()
    with scratch() as state:
        environment = Cli(state).environment
        sides = {name: partial(cpu_seconds, (sys.executable, *words), environment) for name, words in COMMANDS.items()}
        result = by_turns(wanted.repeats, **sides)
    show(result, table(result), as_json=wanted.json)


def table(result: Mapping[str, Sequence[float]]) -> str:
    """The result for people, in milliseconds."""
    bare = statistics.median(result[BARE])
    lines = []
    for name, values in result.items():
        times = f"{statistics.median(values) / bare:5.1f} times"
        lines.append(f"{times}  {row(name, [1000 * value for value in values], 'ms')}")
    return "\n".join(lines)


def cpu_seconds(words: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """CPU seconds, user and system, of one run; raises SystemExit if it fails."""
    child: Any = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    said = child.stderr.read()
    child.stderr.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {child.returncode}\n{said.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
