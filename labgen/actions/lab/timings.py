"""Where the seconds of an action went: a Reporter that passes everything on and looks at the clock meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.actions.session.reporter import Reporter
from labgen.checks import CheckResult
from labgen.plan.model import Plan, StepId
from labgen.provision.timings import Link, Ran, longest_chain
from labgen.system.files import write_atomically

FILE = "timings.json"


@dataclass(frozen=True)
class PhaseTime:
    """A phase that ran. began: seconds since the action began."""

    title: str
    began: float
    seconds: float


@dataclass(frozen=True)
class Timings:
    """An action's seconds, all counted from its beginning. seconds: the whole of it; chain: what held the steps up."""

    seconds: float
    phases: tuple[PhaseTime, ...]
    steps: tuple[Ran, ...]
    chain: tuple[Link, ...]

    @property
    def before(self) -> float:
        """Seconds before the first phase: the lab was looked up, its blueprint read."""
        return self.phases[0].began if self.phases else self.seconds

    def share(self, seconds: float) -> float:
        """SECONDS as a part of the whole, from 0 to 1."""
        return seconds / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data; seconds with three digits."""
        return {
            "seconds": round(self.seconds, 3),
            "before": round(self.before, 3),
            "phases": [
                {
                    "title": phase.title,
                    "start": round(phase.began, 3),
                    "seconds": round(phase.seconds, 3),
                    "share": round(self.share(phase.seconds), 3),
                }
                for phase in self.phases
            ],
            "steps": [_step(ran) for ran in self.steps],
            "chain": [
                {**_step(link.ran), "after": str(link.after.step) if link.after else None} for link in self.chain
            ],
        }

    def save(self, logs: Path) -> Path:
        """Write it down in LOGS in place of an earlier one; returns the file."""
        logs.mkdir(parents=True, exist_ok=True)
        file = logs / FILE
        write_atomically(file, json.dumps(self.to_json(), indent=2).encode() + b"\n", 0o644)
        return file


def _step(ran: Ran) -> dict[str, Any]:
    return {
        "step": str(ran.step),
        "start": round(ran.began, 3),
        "seconds": round(ran.seconds, 3),
        "end": round(ran.ended, 3),
    }


class Stopwatch:
    """A Reporter in front of another one. It starts when it is made."""

    def __init__(self, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter = reporter
        self._clock = clock
        self._zero = clock()
        self._phases: list[tuple[str, float]] = []
        self._running: dict[StepId, float] = {}
        self._ran: list[Ran] = []

    def timings(self, plan: Plan) -> Timings:
        """What was measured until now; the last phase counts as over. PLAN: whose steps ran."""
        now = self._now()
        ends = [*(began for _, began in self._phases[1:]), now]
        phases = tuple(
            PhaseTime(title, began, end - began) for (title, began), end in zip(self._phases, ends, strict=True)
        )
        return Timings(now, phases, tuple(self._ran), longest_chain(plan, self._ran))

    def phase(self, title: str, name: str) -> None:
        self._phases.append((title, self._now()))
        self._reporter.phase(title, name)

    def note(self, text: str) -> None:
        self._reporter.note(text)

    def progress(self, text: str) -> None:
        self._reporter.progress(text)

    def steps(self, total: int) -> None:
        self._reporter.steps(total)

    def started(self, step: StepId) -> None:
        self._running[step] = self._now()
        self._reporter.started(step)

    def finished(self, step: StepId, seconds: float) -> None:
        now = self._now()
        self._ran.append(Ran(step, self._running.pop(step, now - seconds), now))
        self._reporter.finished(step, seconds)

    def failed(self, step: StepId, seconds: float) -> None:
        self._running.pop(step, None)
        self._reporter.failed(step, seconds)

    def skipped(self, step: StepId) -> None:
        self._reporter.skipped(step)

    def checked(self, result: CheckResult) -> None:
        self._reporter.checked(result)

    def _now(self) -> float:
        return self._clock() - self._zero
