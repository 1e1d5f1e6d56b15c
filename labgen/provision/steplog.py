"""The log of one step, written while it runs."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from labgen.plan.model import StepId

TAIL = 15
"""Lines of a failed step that are shown."""


def log_path(logs: Path, step: StepId) -> Path:
    """Where the log of STEP is; several attempts follow one another in it."""
    return logs / "steps" / f"{step.node}-{step.component}-{step.stage}.log"


class StepLog:
    """Takes output in any pieces, writes whole lines without what HIDE takes out, and remembers the last ones."""

    def __init__(self, path: Path, command: str, hide: Callable[[str], str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._hide = hide
        self._rest = b""
        self._last: deque[str] = deque(maxlen=TAIL)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.note(f"{command}, started {datetime.now().astimezone().isoformat(timespec='seconds')}")

    @property
    def last_lines(self) -> list[str]:
        return list(self._last)

    def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._put(lines)

    def note(self, text: str) -> None:
        """A line of labgen's own."""
        self._flush()
        os.write(self._file, f"# {text}\n".encode())

    def __enter__(self) -> StepLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        os.close(self._file)

    def _flush(self) -> None:
        if self._rest:
            self._put([self._rest])
            self._rest = b""

    def _put(self, lines: list[bytes]) -> None:
        if lines:
            text = self._hide(b"\n".join(lines).decode("utf-8", "surrogateescape"))
            data = text.encode("utf-8", "surrogateescape")
            os.write(self._file, data + b"\n")
            self._last.extend(line for part in data.split(b"\n") if (line := part.decode(errors="replace").rstrip()))
