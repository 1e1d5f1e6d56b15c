"""What labgen makes of damaged inputs: seeded damage to everything that it reads, a thousand times over.

Blueprints, overrides, `--set` words, reproductions, manifests, locks, bundles, archives, drills' logs and the files of
a lab's folder, each damaged by a few generic mutators (benchmarks/mutate.py). An input is read as its command would, in
a process that some fifty share, with its time and peak memory. Target: no traceback, nothing above 5 seconds or 300 MB,
and no message that does not say where. Nothing is booted.

    .venv/bin/python -m benchmarks.robust --count 5000
    .venv/bin/python -m benchmarks.robust --seed 1 --kind bundle --input 1234    # one of them again, in full
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import typer

import labgen
from benchmarks.common import scratch, show
from benchmarks.inputs import KINDS
from labgen.errors import DocumentError, LabgenError

SECONDS, MEGABYTES = 5.0, 300.0
PATIENCE = 20  # seconds after which an input is given up
BATCH = 50  # inputs in a process: what they leave in its caches is not the next ones' fault
ADDRESS_SPACE = 4 << 30  # bytes: an input that wants more fails, and not this machine
HOME = Path(labgen.__file__).parent
FAULTS = ("traceback", "slow", "large", "no place")


@dataclass(frozen=True)
class Outcome:
    """What came of one input. fault: one of FAULTS, or nothing. why: in a line, the same for the same fault."""

    kind: str
    number: int
    seconds: float
    megabytes: float
    accepted: bool
    fault: str = ""
    why: str = ""


class _GivenUp(BaseException):
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the dice [default: 1]")
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="how many inputs [default: 2000]")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="may be repeated [default: all]")
    parser.add_argument("--input", type=int, metavar="N", help="only this one of a kind, with its traceback")
    parser.add_argument("--json", action="store_true", help="print JSON")
    wanted = parser.parse_args()
    kinds = wanted.kind or list(KINDS)
    with scratch() as work:
        os.environ |= {"LABGEN_STATE": str(work / "state"), "LABGEN_CACHE": str(work / "cache")}
        if wanted.input is not None:
            _again(kinds[0], wanted.seed, wanted.input, work)
            return
        outcomes = measure(kinds, wanted.seed, wanted.count, work)
    result = summed(outcomes)
    show(result, table(result), as_json=wanted.json)
    sys.exit(1 if any(outcome.fault for outcome in outcomes) else 0)


def measure(kinds: Sequence[str], seed: int, count: int, work: Path) -> list[Outcome]:
    """What came of COUNT inputs, as many of each of KINDS."""
    outcomes: list[Outcome] = []
    each = -(-count // len(kinds))
    for kind in kinds:
        print(f"{kind}: {each} inputs", file=sys.stderr)
        for begin in range(0, each, BATCH):
            outcomes += _batch(kind, seed, range(begin, min(begin + BATCH, each)), work)
    return outcomes


def _batch(kind: str, seed: int, numbers: range, work: Path) -> list[Outcome]:
    """The outcomes of NUMBERS, from processes that end with them; one that dies takes its own input along only."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(numbers):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(kind, seed, numbers[len(outcomes) :], work, writing)
        os.close(writing)
        with os.fdopen(reading) as lines:
            outcomes += [Outcome(**json.loads(line)) for line in lines]
        _, status = os.waitpid(child, 0)
        if status:
            why = f"the process died: {os.waitstatus_to_exitcode(status)}"
            outcomes.append(Outcome(kind, numbers[len(outcomes)], 0, 0, accepted=False, fault="traceback", why=why))
    return outcomes


def _work(kind: str, seed: int, numbers: range, work: Path, writing: int) -> None:
    """Be a batch's process, and end."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with os.fdopen(os.open(os.devnull, os.O_WRONLY), "wb") as nowhere, os.fdopen(writing, "w") as told:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        for number in numbers:
            told.write(json.dumps(asdict(one(kind, seed, number, work))) + "\n")
            told.flush()
    os._exit(0)


def one(kind: str, seed: int, number: int, work: Path) -> Outcome:
    """What comes of the input NUMBER of KIND."""
    dice = Random(f"{seed}:{kind}:{number}")  # noqa: S311 - the same dice again, that is the point
    place = work / "input"
    run = KINDS[kind](dice, place)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    began, fault, why, accepted = time.monotonic(), "", "", False
    try:
        run()
        accepted = True
    except LabgenError as error:
        fault, why = ("", "") if has_place(error) else ("no place", error.what)
    except (typer.Exit, SystemExit):
        pass
    except _GivenUp:
        fault, why = "slow", f"more than {PATIENCE} s"
    except BaseException as error:
        fault, why = "traceback", where(error)
    finally:
        signal.alarm(0)
    seconds, megabytes = time.monotonic() - began, _peak()
    if not fault and seconds > SECONDS:
        fault, why = "slow", f"{seconds:.1f} s"
    if not fault and megabytes > MEGABYTES:
        fault, why = "large", f"{megabytes:.0f} MB"
    return Outcome(kind, number, seconds, megabytes, accepted, fault, why)


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise _GivenUp


def _peak() -> float:
    """Megabytes of memory that this process had at most since the peak began anew."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000


def has_place(error: LabgenError) -> bool:
    """Whether ERROR says where it happened: a file, a line, an option."""
    if isinstance(error, DocumentError):
        return all(problem.place.file for problem in error.problems)
    return bool(error.where)


def where(error: BaseException) -> str:
    """The kind of ERROR, and the last place in labgen that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(HOME)]
    place = f"{frames[-1].filename.rpartition('/labgen/')[2]}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} in {place}: {str(error)[:80]!r}"


def _again(kind: str, seed: int, number: int, work: Path) -> None:
    dice = Random(f"{seed}:{kind}:{number}")  # noqa: S311
    run = KINDS[kind](dice, work / "input")
    print(*getattr(run, "args", ()), sep="\n", file=sys.stderr)
    run()


def summed(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures by kind, and each different fault with the first input that showed it and how many did."""
    kinds: dict[str, Any] = {}
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.kind == kind]
        faults = Counter(outcome.fault for outcome in own)
        kinds[kind] = {
            "inputs": len(own),
            "accepted": sum(outcome.accepted for outcome in own),
            "most_seconds": max(outcome.seconds for outcome in own),
            "most_megabytes": max(outcome.megabytes for outcome in own),
            **{fault: faults[fault] for fault in FAULTS},
        }
    found: dict[tuple[str, str, str], list[int]] = {}
    for outcome in outcomes:
        if outcome.fault:
            found.setdefault((outcome.kind, outcome.fault, outcome.why), []).append(outcome.number)
    told = [
        {"kind": kind, "fault": fault, "why": why, "times": len(numbers), "input": numbers[0]}
        for (kind, fault, why), numbers in sorted(found.items(), key=lambda item: -len(item[1]))
    ]
    return {"kinds": kinds, "faults": told}


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    heads = ("inputs", "accepted", *FAULTS)
    lines = [f"{'':<14}" + "".join(f"{head:>11}" for head in heads) + f"{'most s':>9}{'most MB':>9}"]
    for kind, one in result["kinds"].items():
        figures = "".join(f"{one[head]:>11}" for head in heads)
        lines.append(f"{kind:<14}{figures}{one['most_seconds']:>9.2f}{one['most_megabytes']:>9.0f}")
    total = {head: sum(one[head] for one in result["kinds"].values()) for head in heads}
    lines.append(f"{'all':<14}" + "".join(f"{total[head]:>11}" for head in heads))
    lines += [
        f"{it['kind']} {it['input']} ({it['times']} times): {it['fault']}: {it['why']}" for it in result["faults"]
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
