"""The log of one call of Vagrant: what it printed, as it came, and the last lines of it for an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

TAIL = 15
"""Vagrant's last lines that an error shows."""


class CallLog:
    """A file that takes a call's output and gives its lines to ON_LINE; to be used with `with`."""

    def __init__(self, path: Path | None, command: str, on_line: Callable[[str], None] | None) -> None:
        """PATH: None where no log is kept."""
        self.path, self._on_line = path, on_line
        self.last: list[str] = []
        self._rest = b""
        self._file = (path or Path(os.devnull)).open("wb", buffering=0)
        self.note(command)

    def __enter__(self) -> CallLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.flush()
        self._file.close()

    def note(self, text: str) -> None:
        """A line of our own, which is not Vagrant's."""
        self._file.write(f"# {text}\n".encode())

    def take(self, data: bytes) -> None:
        """A piece of output, wherever it was cut."""
        self._file.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._put(line)

    def flush(self) -> None:
        """Nothing more comes: what has no newline is a line too."""
        if self._rest:
            self._put(self._rest)
            self._rest = b""

    def _put(self, raw: bytes) -> None:
        # A progress bar redraws its line after carriage returns: what it showed last counts.
        line = raw.decode(errors="replace").rstrip().rpartition("\r")[2]
        if not line:
            return
        self.last = [*self.last[-TAIL + 1 :], line]
        if self._on_line:
            self._on_line(line)


def next_log(folder: Path, what: str) -> Path:
    """The path of the next call's log in FOLDER, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = (path.name.split("-")[1] for path in folder.glob("vagrant-*-*.log"))
    number = max((int(text) for text in taken if text.isdigit()), default=0) + 1
    return folder / f"vagrant-{number:02}-{what}.log"
