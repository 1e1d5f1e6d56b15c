"""The faults of a drill, one after the other."""

from __future__ import annotations

import time

from labgen.drill.run.context import DrillContext, DrillRecord
from labgen.drill.run.plan import DrillPlan
from labgen.faults.injector import FaultInjector
from labgen.faults.undo import Undos

SPARE = 60.0
"""Seconds beyond all that the drill may take, after which a node undoes by itself what it can."""


def inject(plan: DrillPlan, context: DrillContext, undos: Undos, record: DrillRecord) -> None:
    """Do what PLAN says; each undo is in UNDOS before its deed."""
    dead_man = plan.limit + sum(planned.after for planned in plan.faults) + SPARE
    injector = FaultInjector(context.nodes, undos, dead_man=dead_man)
    for planned in plan.faults:
        time.sleep(planned.after)
        context.progress(planned.title)
        # A machine may be reached over the network that is cut: the first injection is what takes effect.
        start = record.now
        for name, injection in planned.injections:
            injector.do(injection, planned.fault.title, name)
        record.span(
            "fault", planned.fault.name, planned.title, planned.targets, start, unwatched=list(planned.unwatched)
        )
