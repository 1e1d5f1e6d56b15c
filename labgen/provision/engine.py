"""Runs the steps of a plan: each as soon as what it waits for is done, all that can at the same time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from labgen.errors import LabgenError, StepError
from labgen.plan.model import Plan, StepId
from labgen.provision.journal import Journal
from labgen.provision.steplog import StepLog, log_path
from labgen.system.connection import Connection
from labgen.system.parallel import take

RUN = "bash /opt/labgen/components/lib/run.sh"

_ENDING = 20.0
"""Seconds that interrupted steps get to end."""

_LOOK = 0.05
"""Seconds between two looks for nodes that are awaited."""


class Observer(Protocol):
    """Is told of every step; all calls come from the thread that called `run_plan`."""

    def started(self, step: StepId) -> None: ...

    def finished(self, step: StepId, seconds: float) -> None: ...

    def failed(self, step: StepId, seconds: float) -> None: ...

    def skipped(self, step: StepId) -> None: ...


class Awaited(Protocol):
    """Nodes that are not there yet when `run_plan` begins."""

    def missing(self) -> Collection[str]:
        """The nodes on which no step may begin yet, asked again and again; raises what keeps them from coming."""
        ...


class Silent:
    """An observer for those who want none."""

    def started(self, step: StepId) -> None: ...

    def finished(self, step: StepId, seconds: float) -> None: ...

    def failed(self, step: StepId, seconds: float) -> None: ...

    def skipped(self, step: StepId) -> None: ...


@dataclass(frozen=True)
class _End:
    """How a step ended: `fault` is None if well, else the sentence that says what happened."""

    step: StepId
    seconds: float
    log: Path
    fault: str | None = None
    lines: tuple[str, ...] = ()


def pending_steps(plan: Plan, digests: Mapping[StepId, str], journal: Journal) -> tuple[StepId, ...]:
    """The steps that have to run, in the plan's order: not done with these inputs, or after one that is not."""
    stale: set[StepId] = set()
    for step in plan.steps:
        if not journal.is_done(step.id, digests[step.id]) or step.after & stale:
            stale.add(step.id)
    return tuple(step.id for step in plan.steps if step.id in stale)


@dataclass(frozen=True)
class Limits:
    """workers: steps at a time. step: seconds for one. grace: seconds that the others have to end after a failure."""

    workers: int = 32
    step: float = 3600.0
    grace: float = 30.0


LIMITS = Limits()


def run_plan(
    plan: Plan,
    connections: Mapping[str, Connection],
    digests: Mapping[StepId, str],
    journal: Journal,
    logs: Path,
    *,
    observer: Observer | None = None,
    awaited: Awaited | None = None,
    lab: str,
    hide: Callable[[str], str] = str,
    limits: Limits = LIMITS,
) -> None:
    """Run all pending steps of PLAN; raises StepError when one or more failed.

    After a failure no step begins, and those under way have some time to end: one may be waiting for what failed.
    A step counts as done when the journal says so on the disk, so the next call goes on where this one ended,
    whether by failure, Ctrl-C or power cut. hide: takes out of a text what must not appear in a log.
    awaited: a step on one of these nodes begins when it has come, too; what it raises is raised here.
    """
    _check_order(plan)
    observer = observer or Silent()
    todo = pending_steps(plan, digests, journal)
    # What is about to run is no longer done: a step that comes after a changed one must not count as done just
    # because the run was interrupted between the two.
    journal.forget(todo)
    wanted = set(todo)
    for known in plan.steps:
        if known.id not in wanted:
            observer.skipped(known.id)
    crew = _Crew(connections, logs, hide, limits.step)
    waiting = {step.id: step.after & wanted for step in plan.steps if step.id in wanted}
    failures: list[_End] = []
    give_up = math.inf
    try:
        while waiting or crew.active:
            missing = awaited.missing() if awaited and waiting and not failures else ()
            ready = [step for step, after in waiting.items() if not after and step.node not in missing]
            for step in ready[: limits.workers - len(crew.active)] if not failures else ():
                del waiting[step]
                observer.started(step)
                crew.begin(step)
            if not crew.active and not missing:
                break
            try:
                look = _LOOK if missing else None
                end = crew.next_end(max(0.0, give_up - time.monotonic()) if failures else look)
            except Empty:
                if not failures:
                    continue
                _give_up(crew, journal, digests)
                break
            if end.fault is not None:
                observer.failed(end.step, end.seconds)
                give_up = min(give_up, time.monotonic() + limits.grace)
                failures.append(end)
                continue
            journal.done(end.step, digests[end.step], end.seconds)
            observer.finished(end.step, end.seconds)
            waiting = {step: after - {end.step} for step, after in waiting.items()}
    except BaseException:
        _give_up(crew, journal, digests)
        raise
    if failures:
        raise _error(failures, logs, lab)


def _give_up(crew: _Crew, journal: Journal, digests: Mapping[StepId, str]) -> None:
    """End the steps under way; one that comes to its end meanwhile is done all the same."""
    for end in crew.interrupt():
        if end.fault is None:
            journal.done(end.step, digests[end.step], end.seconds)


@dataclass
class _Crew:
    """The threads that run steps, one for each step under way."""

    connections: Mapping[str, Connection]
    logs: Path
    hide: Callable[[str], str]
    timeout: float
    active: dict[StepId, Connection | None] = field(default_factory=dict)
    _ends: SimpleQueue[tuple[StepId, _End | BaseException]] = field(default_factory=SimpleQueue)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def begin(self, step: StepId) -> None:
        self.active[step] = None
        # A daemon: a thread that waits for a node must not keep the program from ending.
        threading.Thread(target=self._work, args=(step,), name=str(step), daemon=True).start()

    def next_end(self, timeout: float | None = None) -> _End:
        """Wait for the next step to end; raises what no step may raise, and Empty when TIMEOUT is over."""
        step, end = take(self._ends, timeout)
        del self.active[step]
        if isinstance(end, BaseException):
            raise end
        return end

    def interrupt(self) -> Iterable[_End]:
        """End the steps under way on their nodes; gives those that ended within a bounded time."""
        self._stopped.set()
        deadline = time.monotonic() + _ENDING
        while self.active and time.monotonic() < deadline:
            # Again and again, since a step may be just about to begin.
            for connection in list(self.active.values()):
                if connection is not None:
                    connection.cancel()
            try:
                yield self.next_end(0.2)
            except Empty:
                continue
            except Exception:  # noqa: S112 - the first one is already on its way to the caller
                continue

    def _work(self, step: StepId) -> None:
        try:
            self._ends.put((step, self._run(step)))
        except BaseException as error:
            self._ends.put((step, error))

    def _run(self, step: StepId) -> _End:
        started = time.monotonic()
        command = f"{RUN} {step.component} {step.stage}"
        path = log_path(self.logs, step)
        with StepLog(path, command, self.hide) as log:
            try:
                connection = self.active[step] = self.connections[step.node]
                if self._stopped.is_set():
                    raise StepError("it was interrupted")
                result = connection.run(command, timeout=self.timeout, on_output=log.write)
                fault = None if result.ok else f"failed with exit code {result.rc}"
            except LabgenError as error:
                fault = f"failed: {error.what}"
            seconds = time.monotonic() - started
            log.note(f"{fault or 'done'}, {seconds:.1f} s")
            return _End(step, seconds, path, fault, tuple(log.last_lines))


def _check_order(plan: Plan) -> None:
    """A plan lists each step after those it waits for; anything else would never end."""
    seen: set[StepId] = set()
    for step in plan.steps:
        if early := step.after - seen:
            names = ", ".join(map(str, sorted(early)))
            raise StepError(
                f"the plan cannot be run: {step.id} waits for {names}, which the plan has after it or not at all",
                cure="look at `needs` in the manifests of these components: they may wait for each other",
            )
        seen.add(step.id)


def _error(failures: list[_End], logs: Path, lab: str) -> StepError:
    cure = f"read the log, put it right, then `labgen up {lab}` goes on here"
    if len(failures) == 1:
        end = failures[0]
        return StepError(f"step {end.step} {end.fault}", where=end.log, detail=end.lines, cure=cure)
    detail: list[str] = []
    for end in sorted(failures, key=lambda end: end.step):
        detail += [f"step {end.step} {end.fault} ({end.log.name})", *(f"  {line}" for line in end.lines)]
    return StepError(f"{len(failures)} steps failed", where=logs / "steps", detail=detail, cure=cure)
