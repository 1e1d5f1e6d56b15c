"""Runs a program that may take long: streams what it prints, ends it by a deadline or with Ctrl-C."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from labgen.system.children import DIES_WITH_US

GENTLY = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""How a program is asked to end, each time a little harder: the signal, and the seconds it then has."""

_LINGER = 0.5
"""Seconds of silence after which a finished program's output counts as complete: a daemon may keep it open."""


class Overdue(Exception):
    """The program had not ended by its deadline, and was ended."""


class Stopped(Exception):
    """The program was ended because another thread asked for it."""


@dataclass(frozen=True)
class Ended:
    """What a program left."""

    rc: int
    stdout: str
    stderr: str


class Program:
    """A child in a session of its own: Ctrl-C at the terminal reaches only labgen, which then decides.

    To be waited for by the thread that made it: the kernel takes that thread's end for labgen's.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_output: Callable[[bytes], None],
        on_stdout: Callable[[bytes], None] | None = None,
        endings: Sequence[tuple[int, float]] | None = None,
    ) -> None:
        """ON_OUTPUT is told all that it prints, or only stderr where ON_STDOUT is told the other. ENDINGS: how it is
        asked to end, if not GENTLY.
        """
        self._on_output, self._on_stdout, self._endings = on_output, on_stdout or on_output, endings or GENTLY
        self._asked = 0
        self._child = subprocess.Popen(
            [*DIES_WITH_US, *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._stdout, self._stderr = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        for pipe, kept in ((self._child.stdout, self._stdout), (self._child.stderr, self._stderr)):
            if pipe is not None:
                self._selector.register(pipe, selectors.EVENT_READ, kept)

    def stop(self) -> None:
        """From another thread: have `wait` end it as Ctrl-C does. Asked again: with the next signal, at once."""
        self._asked += 1

    def wait(self, timeout: float) -> Ended:
        """The program's end. After TIMEOUT seconds (Overdue), `stop` (Stopped) or Ctrl-C it is ended, gently first."""
        try:
            if not self._follow(time.monotonic() + timeout, 0):
                raise Stopped if self._asked else Overdue
        except BaseException:
            self._end()
            raise
        finally:
            self._close()
        out, err = (bytes(part).decode(errors="replace") for part in (self._stdout, self._stderr))
        return Ended(self._child.returncode, out, err)

    def _follow(self, deadline: float, asked: int) -> bool:
        """Take output until the program has ended (True), or it is DEADLINE or `stop` was called again (False).

        asked: how often `stop` had been called before.
        """
        heard = time.monotonic()
        while (now := time.monotonic()) < deadline and self._asked == asked:
            for ready, _ in self._selector.select(min(0.1, deadline - now)):
                heard = now
                self._take(ready)
            gone = self._child.poll() is not None
            if gone and (not self._selector.get_map() or now - heard > _LINGER):
                return True
            if not gone and not self._selector.get_map():
                try:
                    self._child.wait(min(0.1, max(deadline - now, 0)))
                except subprocess.TimeoutExpired:
                    continue
        return False

    def _take(self, ready: selectors.SelectorKey) -> None:
        pipe: IO[bytes] = ready.fileobj  # type: ignore[assignment]
        data = os.read(pipe.fileno(), 1 << 16)
        if not data:
            self._selector.unregister(pipe)
            return
        ready.data.extend(data)
        (self._on_stdout if ready.data is self._stdout else self._on_output)(data)

    def _end(self) -> None:
        for number, seconds in self._endings:
            if self._child.poll() is not None:
                return
            asked = self._asked
            os.killpg(self._child.pid, number)
            try:
                self._follow(time.monotonic() + seconds, asked)
            except KeyboardInterrupt:
                # Whoever presses it twice does not want to wait: on to the next signal.
                continue

    def _close(self) -> None:
        self._selector.close()
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
