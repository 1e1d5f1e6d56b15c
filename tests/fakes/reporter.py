"""A Reporter that remembers what it was told."""

from __future__ import annotations

from labgen.checks import CheckResult
from labgen.plan.model import StepId


class Heard:
    """phases, notes: in their order."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []

    def phase(self, title: str, name: str) -> None:  # noqa: ARG002
        self.phases.append(title)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, text: str) -> None: ...

    def steps(self, total: int) -> None: ...

    def started(self, step: StepId) -> None: ...

    def finished(self, step: StepId, seconds: float) -> None: ...

    def failed(self, step: StepId, seconds: float) -> None: ...

    def skipped(self, step: StepId) -> None: ...

    def checked(self, result: CheckResult) -> None: ...
