"""Event lines: what a labgen is doing and what came of it, for a program that runs it (docs/architecture.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labgen.actions.session.reporter import Reporter
from labgen.checks import CheckResult
from labgen.cli.console import json_text
from labgen.errors import LabgenError
from labgen.host.room import full_disk
from labgen.plan.model import StepId


def emit(event: str, **about: Any) -> None:
    """One JSON object on a line of its own on stdout, at once."""
    print(json_text({"event": event, **about}), flush=True)


@contextmanager
def errors_told() -> Iterator[None]:
    """What ends the command inside is an event before it is anything else."""
    try:
        yield
    except Exception as error:
        known = full_disk(error) if isinstance(error, OSError) else error
        if isinstance(known, LabgenError):
            emit("error", what=known.what, where=known.where, detail=list(known.detail), cure=known.cure)
        else:
            emit("error", what=f"a fault of labgen itself: {type(error).__name__}: {error}")
        raise


class EventReporter:
    """A Reporter in front of another one; what it is told is an event line, too."""

    def __init__(self, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter, self._clock = reporter, clock
        self._phase: tuple[str, float] | None = None

    def phase(self, title: str, name: str) -> None:
        self.end()
        self._phase = (name, self._clock())
        emit("phase", name=name, title=title)
        self._reporter.phase(title, name)

    def end(self) -> None:
        """The last phase is over."""
        if self._phase is not None:
            name, began = self._phase
            emit("phase-end", name=name, seconds=round(self._clock() - began, 3))
        self._phase = None

    def note(self, text: str) -> None:
        emit("note", text=text)
        self._reporter.note(text)

    def progress(self, text: str) -> None:
        self._reporter.progress(text)

    def steps(self, total: int) -> None:
        emit("steps", total=total)
        self._reporter.steps(total)

    def started(self, step: StepId) -> None:
        self._reporter.started(step)

    def finished(self, step: StepId, seconds: float) -> None:
        emit("step", **_named(step), state="finished", seconds=round(seconds, 3))
        self._reporter.finished(step, seconds)

    def failed(self, step: StepId, seconds: float) -> None:
        emit("step", **_named(step), state="failed", seconds=round(seconds, 3))
        self._reporter.failed(step, seconds)

    def skipped(self, step: StepId) -> None:
        self._reporter.skipped(step)

    def checked(self, result: CheckResult) -> None:
        emit("check", name=result.name, status=result.status.value)
        self._reporter.checked(result)


def _named(step: StepId) -> dict[str, str]:
    return {"node": step.node, "component": step.component, "stage": step.stage}
