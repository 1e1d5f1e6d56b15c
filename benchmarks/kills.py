"""labgen killed at random moments of what it does to a lab: what is lost, and what is left over.

One lab in containers with a row in its database. Round after round one of OPERATIONS is begun and its labgen killed
(SIGKILL, at a moment drawn evenly from the time that it took when nobody disturbed it); then the same command is typed
again, as its user would, and the lab is looked at: does the command end well, do all checks pass, is the row there.
`destroy` is killed like the others, and followed by an `up`. In the end nothing may be left of the lab on this host.
Target: nothing lost, nothing left. Every round is within a bound of time, and the lab's own nodes take all the harm.

    .venv/bin/python -m benchmarks.kills --kills 200
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from benchmarks.common import remove, scratch, show
from tests.live import LABGEN, Cli, docker, docker_things, processes_about

LAB, BLUEPRINT = "kills", "etcd-patroni-ops"
ROW = "kept"
PLANT = (
    "create table if not exists kept (word text); insert into kept select 'kept' where not exists (select from kept)"
)
LOOK = "select word from kept"
AGAIN = 300.0
"""Seconds that the same command, typed again, may take."""


@dataclass(frozen=True)
class Operation:
    """A command that is killed. words: after `labgen`. before: commands that make it one that has something to do.

    after: a command that is typed when it ended well at last. keeps: whether the database outlives it.
    """

    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    keeps: bool = True


def operations(subnet: str) -> dict[str, Operation]:
    up = ("up", BLUEPRINT, "--name", LAB, "--provider", "docker", "--set", f"network.cidr={subnet}.0/24")
    return {
        "up, changed": Operation(
            (*up, "--set", "patroni.loop_wait=9"), after=((*up, "--set", "patroni.loop_wait=10"),)
        ),
        "up, halted": Operation(up, before=(("halt", LAB),)),
        "up, new": Operation(up, before=(("destroy", LAB, "--yes"),), keeps=False),
        "scale +1": Operation(("scale", LAB, "+1"), after=(("scale", LAB, "-1"),)),
        "drill": Operation(("drill", "run", LAB, "leader-stopped"), before=(("drill", "heal", LAB),)),
        "checkpoint save": Operation(("checkpoint", "save", LAB, "one", "--force")),
        "checkpoint restore": Operation(
            ("checkpoint", "restore", LAB, "whole"), before=(("checkpoint", "save", LAB, "whole", "--force"),)
        ),
        "destroy": Operation(("destroy", LAB, "--yes"), after=(up,), keeps=False),
    }


@dataclass(frozen=True)
class Round:
    """operation, of which labgen was killed after SECONDS (None: it had ended by then). faults: what was wrong then."""

    operation: str
    seconds: float | None
    faults: tuple[str, ...]


def sql(labgen: Cli, text: str) -> str:
    words = ("exec", LAB, "leader", "--user", "postgres", "--", "psql", "-XAtqc", text)
    return labgen(*words, expect=None, timeout=60).stdout.strip()


def plant(labgen: Cli) -> None:
    sql(labgen, PLANT)


def killed(labgen: Cli, words: tuple[str, ...], after: float, log: Path) -> bool:
    """Whether labgen was still at work AFTER seconds; only it is killed, as by the kernel when memory is short."""
    with labgen.started(*words, log=log) as child:
        end = time.monotonic() + after
        while time.monotonic() < end:
            if child.poll() is not None:
                return False
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    return True


def faults_of(labgen: Cli, operation: Operation) -> Iterator[str]:
    """What is wrong after the same command has been typed again."""
    done = labgen(*operation.words, expect=None, timeout=AGAIN)
    if operation.words[0] == "scale" and done.rc != 0 and "already" in done.said:
        done = labgen("up", LAB, expect=None, timeout=AGAIN)
    if done.rc != 0 and not (operation.words[0] == "destroy" and "no lab is called" in done.said):
        yield f"again: exit {done.rc}: {' / '.join(done.stderr.split(chr(10))[-6:])}"
    if "Traceback" in done.said or "fault of labgen itself" in done.said:
        yield "again: a traceback"
    for words in operation.after:
        after = labgen(*words, expect=None, timeout=AGAIN)
        if after.rc != 0:
            yield f"{words[0]} afterwards: exit {after.rc}: {' / '.join(after.stderr.split(chr(10))[-6:])}"
    report = labgen("verify", LAB, "--settle", "60", expect=None, timeout=AGAIN)
    if report.rc != 0:
        yield f"verify: exit {report.rc}"
    if operation.keeps and sql(labgen, LOOK) != ROW:
        yield "LOST: the row is not there"


def play(labgen: Cli, subnet: str, kills: int, dice: Random, log: Path) -> Iterator[Round]:
    todo, took = operations(subnet), dict[str, float]()
    names = list(todo)
    number = 0
    while number < kills:
        name = names[number % len(names)]
        operation = todo[name]
        plant(labgen)
        for words in operation.before:
            labgen(*words, expect=None, timeout=AGAIN)
        if name not in took:  # once in peace, for its time
            began = time.monotonic()
            labgen(*operation.words, timeout=AGAIN)
            took[name] = time.monotonic() - began
            for words in (*operation.after, *operation.before):
                labgen(*words, expect=None, timeout=AGAIN)
            if operation.after:
                plant(labgen)
        after = dice.uniform(0, took[name])
        cut = killed(labgen, operation.words, after, log)
        faults = tuple(faults_of(labgen, operation))
        print(f"{number + 1}: {name}, after {after:.1f} of {took[name]:.1f} s: {faults or 'held'}", file=sys.stderr)
        yield Round(name, after if cut else None, faults)
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, metavar="N", help="how many [default: 40]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments [default: 1]")
    parser.add_argument("--subnet", default=os.environ.get("TEST_SUBNET", "192.168.61"), metavar="192.168.N")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    with scratch() as folder:
        labgen = Cli(folder / "state")
        try:
            labgen(*operations(given.subnet)["up, halted"].words, timeout=1800)
            rounds = list(play(labgen, given.subnet, given.kills, Random(given.seed), folder / "log"))  # noqa: S311
        finally:
            remove((*LABGEN, "destroy", LAB, "--yes"), environment=labgen.environment)
        left = [*docker_things(LAB), *processes_about(str(folder)), *_images()]
    table, bad = Counter(it.operation for it in rounds), Counter(it.operation for it in rounds if it.faults)
    lost = sum(any(fault.startswith("LOST") for fault in it.faults) for it in rounds)
    lines = [f"{name:<22} {count:>6} {count - bad[name]:>6}" for name, count in table.items()]
    head = f"{'killed in':<22} {'times':>6} {'held':>6}"
    end = f"{lost} lost, {len(left)} left: {', '.join(map(str, left)) or 'nothing'}"
    result = {"rounds": [asdict(it) for it in rounds], "left": list(map(str, left))}
    show(json.loads(json.dumps(result)), "\n".join([head, *lines, end]), as_json=given.json)


def _images() -> list[str]:
    """Images of checkpoints of the lab."""
    names = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    return [name for name in names if f"/{LAB}" in name or f"-{LAB}-" in name]


if __name__ == "__main__":
    main()
