"""Shows an action as it goes: a line a phase, and below it what runs where, for how long, and what is left."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from labgen.checks import CheckResult, result_line
from labgen.plan.model import StepId

MOST_LINES = 12


class Progress:
    """A Reporter for a terminal; where there is none, it prints a line for each thing that ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._phase: tuple[str, float] | None = None
        self._now = ""
        self._running: dict[StepId, float] = {}
        self._done = 0
        self._total = 0
        self._live = Live(
            get_renderable=self._picture,
            console=console,
            refresh_per_second=8,
            transient=True,
            auto_refresh=console.is_terminal,
        )

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_phase("✗" if kind else "✓", "red" if kind else "green")
        self._live.stop()

    def phase(self, title: str, name: str) -> None:  # noqa: ARG002
        self._end_phase("✓", "green")
        self._phase = (title, time.monotonic())
        self._now = ""

    def note(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False, soft_wrap=True)

    def progress(self, text: str) -> None:
        # Vagrant's and apt's lines may hold anything: shown as they are, one line of them, without markup.
        self._now = " ".join(text.split())

    def steps(self, total: int) -> None:
        self._done, self._total = 0, total

    def started(self, step: StepId) -> None:
        self._running[step] = time.monotonic()

    def finished(self, step: StepId, seconds: float) -> None:
        self._running.pop(step, None)
        self._done += 1
        if not self._console.is_terminal:
            place = f"{self._done}/{self._total}"
            self._console.print(f"  {place:>7} {step.node} {step.component} {step.stage} {seconds:.1f} s")

    def failed(self, step: StepId, seconds: float) -> None:
        self._running.pop(step, None)
        self._console.print(f"  [red]failed[/] {step.node} {step.component} {step.stage} after {seconds:.1f} s")

    def skipped(self, step: StepId) -> None:
        pass

    def checked(self, result: CheckResult) -> None:
        self._now = result_line(result).plain

    def _end_phase(self, sign: str, colour: str) -> None:
        if self._phase is None:
            return
        title, began = self._phase
        self._console.print(f"[{colour}]{sign}[/] {title} [dim]{_seconds(time.monotonic() - began)}[/]")
        self._phase = None
        self._running.clear()
        self._total = 0

    def _picture(self) -> RenderableType:
        if self._phase is None:
            return Text()
        title, began = self._phase
        now = time.monotonic()
        head = f"{title}  {_seconds(now - began)}"
        if self._total:
            left = self._total - self._done - len(self._running)
            head += f"  {self._done} of {self._total} steps done, {len(self._running)} running, {left} to go"
        lines: list[RenderableType] = [Spinner("dots", Text(head, style="bold"))]
        for step, since in sorted(self._running.items(), key=lambda item: item[1])[:MOST_LINES]:
            what = f"    {step.node:<16} {step.component:<18} {step.stage:<10} {_seconds(now - since)}"
            lines.append(Text(what))
        if not self._running and self._now:
            lines.append(Text(f"    {self._now}", style="dim", overflow="ellipsis", no_wrap=True))
        return Group(*lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
