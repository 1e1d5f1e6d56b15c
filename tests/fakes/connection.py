"""A `Connection` whose answers are written down in advance."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from labgen.errors import LabgenError, NodeError
from labgen.system.connection import CommandResult


@dataclass(frozen=True)
class Answer:
    """What a command does: meets others at a barrier, waits for an event, prints, then ends or raises."""

    rc: int = 0
    stdout: str = ""
    stderr: str = ""
    meet: threading.Barrier | None = None
    until: threading.Event | None = None
    raises: LabgenError | None = None
    on_start: Callable[[], None] | None = None


class FakeConnection:
    """Answers a command by the first key of ANSWERS that occurs in it, else with success and silence."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.answers = dict(answers or {})
        self.commands: list[str] = []
        self.timeouts: list[float | None] = []
        self.stdin: list[bytes] = []
        self.cancelled = threading.Event()
        self.closed = False

    def run(
        self,
        command: str,
        *,
        stdin: bytes | BinaryIO | None = None,
        timeout: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> CommandResult:
        self.commands.append(command)
        self.timeouts.append(timeout)
        if stdin is not None:
            self.stdin.append(stdin if isinstance(stdin, bytes) else stdin.read())
        answer = next((answer for key, answer in self.answers.items() if key in command), Answer())
        if answer.on_start:
            answer.on_start()
        if answer.meet:
            answer.meet.wait(10)
        while answer.until and not answer.until.wait(0.01):
            if self.cancelled.is_set():
                raise NodeError("a command was ended")
        if on_output:
            on_output((answer.stdout + answer.stderr).encode())
        if answer.raises:
            raise answer.raises
        return CommandResult(command, answer.rc, answer.stdout, answer.stderr, 0.0)

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.closed = True
