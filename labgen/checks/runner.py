"""Runs a lab's checks, as a rule all at the same time, and never lets one of them hold up or break the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Thread

from labgen.checks.context import Check, Context, Failed, NodeSessions, Secrets, Unknown
from labgen.checks.model import CheckOutcome, CheckReport, CheckResult, Status
from labgen.checks.registry import select_checks
from labgen.lab.model import Lab
from labgen.redact import Redactor
from labgen.system.connection import Connection
from labgen.system.waiting import last_look

GRACE = 2.0
"""Seconds past its deadline for a check to notice by itself; then it is left behind."""
RETRY = 0.5
"""Seconds between two tries of a check that has not passed yet."""


def run_checks(
    lab: Lab,
    secrets: Secrets,
    connections: Mapping[str, Connection],
    names: Sequence[str] | None = None,
    on_result: Callable[[CheckResult], None] | None = None,
    *,
    settle: float = 0.0,
    sequential: bool = False,
) -> CheckReport:
    """Run LAB's checks, or those called NAMES, and report.

    ON_RESULT hears of each result as it comes, in the caller's thread. A check that does not pass is repeated until it
    does or SETTLE seconds are over. GENTLY runs them one after the other: all at once they are more than emulated
    machines can bear, whose cluster would lose its leader over them.
    Raises UnknownNameError before anything runs if a name does not exist.
    """
    checks = select_checks(lab, names)
    hide = Redactor(secrets)
    started, began = datetime.now(UTC), time.monotonic()
    lines = NodeSessions(connections)
    results: dict[str, CheckResult] = {}
    for group in [(check,) for check in checks] if sequential else [checks]:
        start = time.monotonic()
        tasks = {check.name: _Task(check, lab, secrets, lines, start + settle) for check in group}
        for name, verdict in _verdicts(tasks):
            task = tasks[name]
            results[name] = CheckResult(
                name=name,
                title=task.check.title,
                status=verdict.status,
                detail=hide(verdict.detail),
                evidence=task.context.evidence,
                seconds=round(time.monotonic() - start, 3),
            )
            if on_result:
                on_result(results[name])
    return CheckReport(
        lab=lab.name,
        blueprint=lab.blueprint.name,
        provider=lab.provider,
        profile=lab.profile,
        os=lab.os,
        started=started,
        seconds=round(time.monotonic() - began, 3),
        results=tuple(results[check.name] for check in checks),
    )


class _Task:
    """One check on its way: tried until it passes or the time to settle is over."""

    def __init__(self, check: Check, lab: Lab, secrets: Secrets, lines: NodeSessions, settled: float) -> None:
        self.check = check
        self.limit = max(settled, time.monotonic()) + check.deadline + GRACE
        self._settled = settled
        self._world = (lab, secrets, lines)
        self.context = self._fresh()

    def _fresh(self) -> Context:
        return Context(*self._world, ends=time.monotonic() + self.check.deadline)

    def run(self) -> CheckOutcome:
        return last_look(self._try, self._final, self._settled - time.monotonic(), poll=RETRY)

    def _try(self) -> CheckOutcome:
        self.context = self._fresh()
        return _judge(self.check, self.context)

    def _final(self, verdict: CheckOutcome) -> bool:
        # Where a no stays one, a node that is only just back may still not have been heard.
        return verdict.status is Status.PASS or (verdict.status is Status.FAIL and not self.check.settles)


def _verdicts(tasks: Mapping[str, _Task]) -> Iterator[tuple[str, CheckOutcome]]:
    """Run all TASKS at once; yields each verdict as it comes, `unknown` for a check that does not come back."""
    done: SimpleQueue[tuple[str, CheckOutcome]] = SimpleQueue()

    def work(name: str, task: _Task) -> None:
        done.put((name, task.run()))

    # Daemon threads: one that hangs in a dead connection must keep neither the report nor the program from ending.
    for name, task in tasks.items():
        Thread(target=work, args=(name, task), daemon=True).start()
    waiting = dict(tasks)
    while waiting:
        soonest = min(task.limit for task in waiting.values())
        try:
            name, verdict = done.get(timeout=max(soonest - time.monotonic(), 0.01))
        except Empty:
            late = [name for name, task in waiting.items() if task.limit <= time.monotonic()]
            for name in late:
                yield name, CheckOutcome.unknown(f"no answer within {waiting.pop(name).check.deadline:.0f} s")
            continue
        if waiting.pop(name, None):
            yield name, verdict


def _judge(check: Check, context: Context) -> CheckOutcome:
    try:
        return check.judge(context)
    except Failed as no:
        return CheckOutcome.failed(str(no))
    except Unknown as why:
        return CheckOutcome.unknown(str(why))
    except Exception as why:  # a fault in the check itself, or output no parser foresaw
        return CheckOutcome.unknown(f"the check itself broke: {type(why).__name__}: {why}")
