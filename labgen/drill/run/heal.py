"""After the faults: everything is undone, and the cluster gets back to all of its members."""

from __future__ import annotations

from labgen.checks import run_checks
from labgen.cluster.probes import is_whole
from labgen.drill.run.context import DrillContext, DrillRecord
from labgen.errors import OperationError
from labgen.faults.injector import heal
from labgen.faults.undo import Undos
from labgen.operations import Patroni
from labgen.system.waiting import WaitTimeout, wait_until

REPLICATED_WITHIN = 180.0
POLL = 0.25
SETTLE = 20.0
"""Seconds for checks that do not pass yet."""


def heal_all(context: DrillContext, undos: Undos, record: DrillRecord, *, early: bool) -> None:
    """Undo all that is in UNDOS; raises OperationError if something cannot be. EARLY: before the drill would have."""
    start = record.now
    titles = undos.titles
    targets = list(dict.fromkeys(undo.machine or str(undo.node) for undo in undos.entries))
    failed = heal(context.nodes, undos, context.progress)
    record.span("heal", "heal", "; ".join(titles) or "nothing to heal", targets, start, early=early)
    if failed:
        raise OperationError(
            "not everything could be healed",
            where=context.lab.name,
            detail=[why.what for why in failed],
            cure=f"labgen drill heal {context.lab.name} tries again",
        )


def fully_replicated(context: DrillContext, patroni: Patroni, record: DrillRecord) -> bool:
    """Wait until all members stream again; whether they do."""
    context.progress("until all members stream again")
    try:
        wait_until("cluster of all members", lambda: is_whole(patroni, context.members), REPLICATED_WITHIN, poll=POLL)
    except WaitTimeout:
        return False
    record.log.add("whole", t=record.now)
    return True


def check_health(context: DrillContext, record: DrillRecord) -> None:
    """The lab's checks, into the log."""
    context.progress("is the lab healthy again?")
    report = run_checks(context.lab, context.secrets, context.nodes, settle=SETTLE, sequential=context.sequential)
    for result in report.results:
        record.log.add("check", name=result.name, status=result.status.value, detail=result.detail)
