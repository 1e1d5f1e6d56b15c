"""How a node's clock differs from one of this machine."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable

from labgen.errors import NodeError
from labgen.system.connection import Connection

TELL = 'while IFS= read -r _; do echo "$EPOCHREALTIME"; done'
"""A bash loop that answers each line with the time: no process is started between question and answer."""
ANSWER = 10.0
"""Seconds that one answer may take."""


def compared(told: Callable[[], float], here: Callable[[], float], probes: int = 5) -> tuple[float, float]:
    """What to add to the clock that TOLD asks to get the one that HERE reads, and how far that may be off, in seconds.

    Each probe is answered at some time between question and answer: the quickest one leaves the least doubt.
    """
    asked = []
    for _ in range(probes):
        before = here()
        there = told()
        asked.append((before, there, here()))
    return _best(asked)


def wall_clock(connection: Connection, node: str, probes: int = 10) -> tuple[float, float]:
    """The same of NODE's wall clock and this machine's; raises NodeError if it gives no answer."""
    pings = _Pings(probes)
    done = connection.run(TELL, stdin=pings, timeout=2 * ANSWER, on_output=pings.answered)
    if not pings.probes:
        raise NodeError(f"{node}: its clock cannot be read: {done.stderr.strip() or f'exit code {done.rc}'}")
    return _best(pings.probes)


def _best(probes: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Offset and error of the quickest of PROBES: asked (here), told (there), answered (here)."""
    asked, told, answered = min(probes, key=lambda probe: probe[2] - probe[0])
    return (asked + answered) / 2 - told, (answered - asked) / 2


class _Pings(io.BytesIO):
    """Standard input of TELL: a line at a time, the next one when the last was answered."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.probes: list[tuple[float, float, float]] = []
        self._left = number
        self._asked = 0.0
        self._text = b""
        self._next = threading.Event()
        self._next.set()

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
        if not self._left or not self._next.wait(ANSWER):
            return b""
        self._next.clear()
        self._left -= 1
        self._asked = time.time()
        return b"\n"

    def answered(self, data: bytes) -> None:
        now = time.time()
        self._text += data
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            try:
                self.probes.append((self._asked, float(line.replace(b",", b".")), now))
            except ValueError:
                continue  # a complaint
            self._next.set()
