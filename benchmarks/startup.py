"""How much CPU time the command line takes before it works: `python -m benchmarks.startup [--repeats N] [--json]`."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "labgen --help": ("-m", "labgen", "--help"),
    "labgen version": ("-m", "labgen", "version"),
    "labgen list": ("-m", "labgen", "list"),
    "labgen validate": ("-m", "labgen", "validate", "consul-pgbouncer"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    spent = {name: [cpu_seconds(words) for _ in range(wanted.repeats)] for name, words in COMMANDS.items()}
    bare = statistics.median(spent["python -c pass"])
    if wanted.json:
        print(json.dumps(spent, indent=2))
        return
    for name, values in spent.items():
        middle = statistics.median(values)
        print(f"{name:<18} {middle * 1000:6.0f} ms of CPU  {middle / bare:5.1f} times bare Python")


def cpu_seconds(words: tuple[str, ...]) -> float:
    """CPU seconds, user and system, of one run."""
    child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
