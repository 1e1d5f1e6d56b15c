"""How an action tells what it is doing; the command line shows it, tests record it."""

from __future__ import annotations

from typing import Protocol

from labgen.checks import CheckResult
from labgen.plan.model import StepId


class Reporter(Protocol):
    """Told from the main thread, except `progress`, which may come from any."""

    def phase(self, title: str, name: str) -> None:
        """A phase begins; the one before it is done. NAME is the same whatever the title says, for programs."""

    def note(self, text: str) -> None:
        """Something a person should read and keep."""

    def progress(self, text: str) -> None:
        """What is going on right now; the next one replaces it."""

    def steps(self, total: int) -> None:
        """So many steps are about to run."""

    def started(self, step: StepId) -> None: ...

    def finished(self, step: StepId, seconds: float) -> None: ...

    def failed(self, step: StepId, seconds: float) -> None: ...

    def skipped(self, step: StepId) -> None: ...

    def checked(self, result: CheckResult) -> None:
        """A check has an answer."""
