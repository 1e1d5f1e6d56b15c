"""What the benchmarks share: options, a clock, rounds in which both sides take turns, medians, removal at any end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.live import LABGEN, Cli

BLUEPRINTS = (
    "consul-pgbouncer",
    "etcd-haproxy",
    "etcd-haproxy-keepalived",
    "etcd-patroni-ops",
    "liman-etcd-haproxy",
)


def options(doc: str | None, *, repeats: int, blueprints: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The options of every benchmark, and those of one that makes labs of BLUEPRINTS, all of them unless told."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=_positive, default=repeats, metavar="N", help=f"rounds [default: {repeats}]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    if blueprints:
        parser.add_argument(
            "--blueprint",
            action="append",
            choices=BLUEPRINTS,
            metavar="NAME",
            help=f"one of {', '.join(BLUEPRINTS)}; may be repeated [default: {', '.join(blueprints)}]",
        )
        parser.add_argument(
            "--subnet",
            default=os.environ.get("TEST_SUBNET"),
            metavar="192.168.N",
            help="another range than the blueprint's; $TEST_SUBNET says the same",
        )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def on_subnet(subnet: str | None) -> tuple[str, ...]:
    """The words that move a lab into SUBNET (its first three numbers)."""
    return ("--set", f"network.cidr={subnet}.0/24") if subnet else ()


def by_turns(repeats: int, **sides: Callable[[], Any]) -> dict[str, list[Any]]:
    """Each side's results of REPEATS rounds; a slow moment of the machine hits all sides, who take turns."""
    results: dict[str, list[Any]] = {name: [] for name in sides}
    for number in range(1, repeats + 1):
        for name, side in sides.items():
            print(f"round {number} of {repeats}: {name.replace('_', ' ')}", file=sys.stderr)
            results[name].append(side())
    return results


def timed(work: Callable[[], object]) -> float:
    """Seconds that WORK takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """The median of SLOW as a multiple of FAST's."""
    return statistics.median(slow) / statistics.median(fast)


def row(what: str, values: Sequence[float], unit: str) -> str:
    """A line of a table: the median, and every value."""
    each = ", ".join(f"{value:.1f}" for value in values)
    return f"{what:<48} {statistics.median(values):8.1f} {unit:<4} ({each})"


def verdict(what: str, value: float, target: float, *, least: bool = False) -> str:
    """A line of a table: a ratio and whether it is within its target, at most TARGET or (LEAST) at least."""
    met = value >= target if least else value <= target
    return f"{what:<48} {value:8.2f}      (target {'≥' if least else '≤'} {target:g}: {'met' if met else 'missed'})"


def show(result: Any, table: str, *, as_json: bool) -> None:
    """The result for programs or for people."""
    print(json.dumps(result, indent=2) if as_json else table)


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a `kill`, a closed terminal."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in ENDINGS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is there until the end. A `kill` and a closed terminal end what is inside as Ctrl-C does."""
    with _handled(_interrupt), tempfile.TemporaryDirectory(prefix="labgen-bench-") as folder:
        yield Path(folder)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is inside comes to its end; whoever pressed Ctrl-C meanwhile is heard after it."""
    pressed: list[int] = []
    with _handled(lambda number, _frame: pressed.append(number)):
        yield
    if pressed:
        raise KeyboardInterrupt


def remove(*commands: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run COMMANDS, which remove things, to their end; what they say does not matter, for nothing may be there."""
    with undisturbed():
        for command in commands:
            # In a session of its own: Ctrl-C at the terminal is meant for all programs that run there.
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=True,
                check=False,
            )


@contextmanager
def lab(labgen: Cli, name: str) -> Iterator[str]:
    """The name of a lab that may be made inside, and is removed at the end, whatever that is."""
    try:
        yield name
    finally:
        # Ctrl-C has reached a running `up` as well; it must have let go of the lab.
        remove((*LABGEN, "destroy", name, "--yes"), environment=labgen.environment)


def measured_up(labgen: Cli, work: Path, name: str, *words: str) -> dict[str, Any]:
    """One `up`: seconds in all, by phase and the chain of its steps, CPU seconds, memory; raises SystemExit."""
    cost = work / "cost.json"
    cost.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.measured", str(cost), "up", *words, "--name", name, "--timings"]
    began = time.monotonic()
    done = subprocess.run(command, env=labgen.environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"labgen up ended with {done.returncode}\n{done.stdout}{done.stderr}")
    timings = json.loads((labgen.folder(name) / "logs" / "timings.json").read_text())
    phases = {phase["title"]: phase["seconds"] for phase in timings["phases"]}
    return {"seconds": seconds, "phases": phases, "chain": timings["chain"], **json.loads(cost.read_text())}


def to_healthy(up: dict[str, Any]) -> float:
    """Seconds of an `up` before its checks."""
    return float(up["seconds"] - up["phases"].get("Verify", 0))
