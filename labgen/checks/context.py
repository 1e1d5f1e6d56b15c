"""What a check works with: the lab, its secrets, and commands on its nodes, each kept as evidence."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock, Thread
from typing import TypeVar

from labgen.checks.model import CheckOutcome, Evidence, Status
from labgen.errors import LabgenError
from labgen.lab.model import Lab, Node
from labgen.redact import Redactor
from labgen.system.connection import CommandResult, Connection

COMMAND_TIMEOUT = 60.0
SESSIONS = 4
"""Commands at once on one node: sshd lets one connection carry ten (MaxSessions), and others use it too."""
FORGET_DEAD = 15.0
"""Seconds after which a node that did not answer is tried again."""

Secrets = Mapping[str, Mapping[str, str]]
T = TypeVar("T")


class Unknown(Exception):
    """Raised inside a check: it cannot be found out, and why."""


class Failed(Exception):
    """Raised inside a check: the answer is no, and why."""


@dataclass(frozen=True)
class Check:
    """A registered check: `judge` asks the nodes and returns a verdict, or raises Unknown or Failed.

    deadline: seconds for one try. settles: whether a no may become a yes soon.
    """

    name: str
    title: str
    judge: Callable[[Context], CheckOutcome]
    deadline: float = 180.0
    settles: bool = True


class NodeSessions:
    """The connections to a lab's nodes, shared by all checks; keeps few commands at a time on each.

    A node that could not be reached is not tried again for a while, so that one dead node does not hold up
    every check for the time that a connection waits.
    """

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        self._opening: defaultdict[str, Lock] = defaultdict(Lock)
        self._turns: defaultdict[str, BoundedSemaphore] = defaultdict(lambda: BoundedSemaphore(SESSIONS))
        self._dead: dict[str, tuple[float, Exception]] = {}
        self._lock = Lock()

    def turn(self, node: str) -> BoundedSemaphore:
        """What to hold while a command runs on NODE."""
        with self._lock:
            return self._turns[node]

    def connection(self, node: str) -> Connection:
        """The connection to NODE; raises whatever the mapping raises (it may open connections on demand)."""
        with self._lock:
            opening = self._opening[node]
        with opening:
            died, why = self._dead.get(node, (-FORGET_DEAD, None))
            if why is not None and time.monotonic() - died < FORGET_DEAD:
                raise why
            try:
                return self._connections[node]
            except Exception as why:
                self._dead[node] = (time.monotonic(), why)
                raise


@dataclass(frozen=True)
class Silence:
    """What is kept as evidence where a command got no answer."""

    stderr: str
    stdout: str = ""
    rc: None = None


@dataclass
class Context:
    """One check's view of the lab. Every command run through it becomes evidence."""

    lab: Lab
    secrets: Secrets
    lines: NodeSessions
    ends: float
    """Monotonic time after which nothing more is asked."""
    _evidence: list[Evidence] = field(default_factory=list)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(self._evidence)

    @property
    def remaining(self) -> float:
        return self.ends - time.monotonic()

    def run(self, node: str, command: str, stdin: str | None = None, timeout: float = COMMAND_TIMEOUT) -> CommandResult:
        """Run COMMAND as root on NODE; raises Unknown if no answer comes. STDIN is not kept as evidence."""
        turn = self.lines.turn(node)
        if not turn.acquire(timeout=max(self.remaining, 0)):
            raise Unknown(f"{node} was busy for too long")
        began = time.monotonic()
        try:
            connection = self.lines.connection(node)
            limit = min(timeout, self.remaining)
            if limit <= 0:
                raise TimeoutError("the check's time is over")
            data = None if stdin is None else stdin.encode()
            result = connection.run(command, stdin=data, timeout=limit)
        except Exception as why:  # whatever a connection may throw, it means the same here: no answer
            reason = "there is no connection to it" if isinstance(why, KeyError) else reason_of(why)
            self._keep(node, command, Silence(reason), began)
            raise Unknown(reason if reason.startswith(f"{node} ") else f"{node}: {reason}") from why
        finally:
            turn.release()
        self._keep(node, command, result, began)
        return result

    def output(self, node: str, command: str, stdin: str | None = None, timeout: float = COMMAND_TIMEOUT) -> str:
        """What COMMAND prints; raises Failed if it exits other than 0, Unknown if there is no such program."""
        result = self.run(node, command, stdin, timeout)
        if result.rc == 127:
            raise Unknown(f"{node}: {complaint(result)}")
        if result.rc != 0:
            raise Failed(f"{node}: {complaint(result)}")
        return result.stdout

    def each(
        self,
        nodes: Iterable[Node],
        command: str | Callable[[Node], str],
        stdin: str | None = None,
        timeout: float = COMMAND_TIMEOUT,
    ) -> Answers:
        """Run a command on NODES at the same time; never raises."""
        answers = Answers()
        nodes = tuple(nodes)

        def ask(node: Node) -> None:
            text = command if isinstance(command, str) else command(node)
            try:
                answers.outputs[node.name] = self.output(node.name, text, stdin, timeout)
            except Failed as why:
                answers.faults[node.name] = str(why)
            except Unknown as why:
                answers.silent[node.name] = str(why)

        threads = [Thread(target=ask, args=(node,), daemon=True) for node in nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(self.remaining, 0) + 1)
        for node in nodes:
            if not (node.name in answers.outputs or node.name in answers.faults or node.name in answers.silent):
                answers.silent[node.name] = f"{node.name}: no answer in time"
        return answers.ordered(node.name for node in nodes)

    def any(self, nodes: Iterable[Node], command: str | Callable[[Node], str]) -> tuple[str, str]:
        """The first of NODES that answers COMMAND well, and its output; if none does, raises a no before a silence."""
        no: Failed | None = None
        silence = Unknown("the lab has no such node")
        for node in nodes:
            try:
                return node.name, self.output(node.name, command if isinstance(command, str) else command(node))
            except Failed as why:
                no = no or why
            except Unknown as why:
                silence = why
        raise no or silence

    def _keep(self, node: str, command: str, said: CommandResult | Silence, began: float) -> None:
        hide, seconds = Redactor(self.secrets), round(time.monotonic() - began, 3)
        self._evidence.append(Evidence(node, hide(command), said.rc, hide(said.stdout), hide(said.stderr), seconds))


@dataclass
class Answers:
    """The answers of several nodes: what was printed, who said no, who said nothing."""

    outputs: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)

    def ordered(self, names: Iterable[str]) -> Answers:
        """The same in the order of NAMES; a copy that a late answer cannot change."""
        order = tuple(names)

        def pick(source: dict[str, str]) -> dict[str, str]:
            return {name: source[name] for name in order if name in source}

        return Answers(pick(self.outputs), pick(self.faults), pick(self.silent))

    def read(self, parser: Callable[[str], T]) -> dict[str, T]:
        """What PARSER makes of each output; a node whose output it refuses counts as silent from now on."""
        values = {}
        for node, text in self.outputs.items():
            try:
                values[node] = parser(text)
            except Unknown as why:
                self.silent[node] = f"{node}: {why}"
        return values

    def joined(self, *others: Answers) -> Answers:
        """These outputs, with the faults and silences of OTHERS beside its own."""
        faults, silent = dict(self.faults), dict(self.silent)
        for other in others:
            faults |= other.faults
            silent |= other.silent
        return Answers(self.outputs, faults, silent)

    def add(self, verdict: CheckOutcome) -> CheckOutcome:
        """VERDICT, made worse by the nodes that said no or nothing."""
        faults = [verdict.detail] if verdict.status is Status.FAIL else []
        return CheckOutcome.of(
            verdict.detail,
            faults=[*faults, *self.faults.values()],
            unknown=[*([verdict.detail] if verdict.status is Status.UNKNOWN else []), *self.silent.values()],
        )


def complaint(result: CommandResult) -> str:
    """Why a command failed, in its own words if it has any."""
    said = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    # psql and others explain below their error line what might be the matter; a Python traceback ends with its error.
    words = next((line for line in said if re.search(r"\b(error|ERROR|FATAL):", line)), said[-1] if said else "")
    return f"exit {result.rc}: {words}" if words else f"exit {result.rc}"


def reason_of(why: Exception) -> str:
    """One line out of an exception."""
    text = why.what if isinstance(why, LabgenError) else str(why)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(why).__name__)
