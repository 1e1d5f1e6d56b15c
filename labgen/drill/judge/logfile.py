"""Writes the raw log of a drill, so that whoever reads it can see that nothing is missing."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from pathlib import Path
from typing import Any


class LogFile:
    """Writes a log; may be used from several threads. Every line is handed to the system at once.

    Each line is numbered (n, from 1); the last one, `end`, has the digest of all before it. What comes later is late.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._count, self._digest = 0, sha256()

    def add(self, event: str, **about: Any) -> None:
        with self._lock:
            if self._file.closed:  # a late answer after the end
                return
            sealed = {"sha256": self._digest.hexdigest()} if event == "end" else {}
            entry = {"event": event, "n": self._count + 1, **about, **sealed}
            line = json.dumps(entry, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"
            self._count += 1
            self._digest.update(line.encode())
            self._file.write(line)
            if event == "end":
                self._file.close()

    def close(self) -> None:
        with self._lock:
            self._file.close()
