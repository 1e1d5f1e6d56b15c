"""Which steps of a lab are done: a file of JSON lines that only grows, so that a crash costs at most its last line."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labgen.plan.model import StepId
from labgen.reading import parse_json, read_plain

LARGEST = 64 << 20  # bytes; a line a step


class Journal:
    """The journal at PATH. A line is on the disk when the call that wrote it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._done: dict[StepId, str] = {}
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        content = read_plain(path, LARGEST)
        for line in content.splitlines():
            self._replay(line)
        if content and not content.endswith(b"\n"):
            os.write(self._file, b"\n")

    def done(self, step: StepId, digest: str, seconds: float = 0.0) -> None:
        """Record that STEP has run with inputs of this DIGEST."""
        with self._lock:
            self._append({"event": "done", **_named(step), "digest": digest, "seconds": round(seconds, 3)})
            self._done[step] = digest

    def is_done(self, step: StepId, digest: str) -> bool:
        return self._done.get(step) == digest

    def worked_on(self, node: str) -> bool:
        """Whether a step has been done on NODE that its image cannot have brought."""
        return any(step.node == node and step.stage != "install" for step in self._done)

    def forget(self, steps: Iterable[StepId]) -> None:
        """Record that STEPS have to run again."""
        with self._lock:
            for step in steps:
                if step in self._done:
                    self._append({"event": "forgotten", **_named(step)})
                    del self._done[step]

    def forget_node(self, node: str) -> None:
        """Record that nothing is done on NODE: it is a new machine."""
        self.forget([step for step in self._done if step.node == node])

    def close(self) -> None:
        os.close(self._file)

    def _append(self, entry: dict[str, Any]) -> None:
        entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}
        line = json.dumps(entry).encode() + b"\n"
        # The last room of a disk takes a part of the line, and says so by the count alone.
        while line:
            line = line[os.write(self._file, line) :]
        os.fsync(self._file)

    def _replay(self, line: bytes) -> None:
        """A line that does not parse is one that was being written when the power went; its step is not done."""
        try:
            entry = parse_json(line)
            step = StepId(entry["node"], entry["component"], entry["stage"])
            if entry["event"] == "done":
                self._done[step] = entry["digest"]
            else:
                self._done.pop(step, None)
        except (ValueError, KeyError, TypeError):
            return


def _named(step: StepId) -> dict[str, str]:
    return {"node": step.node, "component": step.component, "stage": step.stage}
