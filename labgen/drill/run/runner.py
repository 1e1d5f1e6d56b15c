"""One drill from the gate to the last count: load on, faults, waiting, healing, load off, rows counted, log closed."""

from __future__ import annotations

import secrets as random
import time
from datetime import UTC, datetime
from pathlib import Path

from labgen.blueprint.drills import Drill
from labgen.checks.builtin.postgresql import application
from labgen.cluster.probes import gate
from labgen.drill.judge.logfile import LogFile
from labgen.drill.run.begin import log_begin
from labgen.drill.run.context import DrillContext, DrillRecord
from labgen.drill.run.heal import check_health, fully_replicated, heal_all
from labgen.drill.run.inject import inject
from labgen.drill.run.load import LoadWatch
from labgen.drill.run.plan import DrillPlan, plan_drill
from labgen.drill.run.rows import RowTable
from labgen.drill.run.service import wait_for_service
from labgen.drill.run.streams import INTERVAL, Load, Observers, Seen
from labgen.faults.undo import FILE, Undos
from labgen.operations import Patroni

GATE = 5.0
"""Seconds for checks that do not pass yet, before the drill."""
ANSWER_WITHIN = 5
"""Seconds for Patroni to answer: under a fault it may wait for its DCS for ever."""


class DrillRunner:
    """Plays one drill on one lab. Whatever becomes of it, what it did is undone, or stays written down to be undone."""

    def __init__(self, context: DrillContext, drill: Drill) -> None:
        self._context, self._drill = context, drill
        self._patroni = Patroni(context.lab, context.nodes, ANSWER_WITHIN)

    def play(self) -> Path:
        """The whole drill; returns the file of its log."""
        context, lab = self._context, self._context.lab
        context.progress("is the lab healthy?")
        gate(lab, context.secrets, context.nodes, GATE, sequential=context.sequential)
        plan = plan_drill(self._drill, lab, context.nodes, self._patroni)
        began = datetime.now(UTC)
        key = f"{began:%Y%m%d-%H%M%S}-{random.token_hex(2)}"
        log = LogFile(context.folder / "drills" / f"{self._drill.name}-{key}.jsonl")
        record = DrillRecord(log, time.monotonic())
        seen = Seen()
        load = Load(context.nodes, plan.client, log, seen, record.zero)
        observers = Observers(context.nodes, lab, log, seen, record.zero)
        undos = Undos(context.folder / FILE, key, f"drill {self._drill.name}")
        rows = RowTable(context, self._patroni)
        rows.make(plan.cluster.leader)
        try:
            error = load.measure_clock()
            log.add("begin", **log_begin(lab, plan, began).model_dump(mode="json", by_alias=True))
            log.add("clock", node=plan.client, error=round(error, 4))
            observers.start()
            load.start(plan.paths, rows.name, application(lab, context.secrets).password, INTERVAL)
            watch = LoadWatch(lab, load, plan.paths, seen, context.progress)
            watch.warm_up()
            self._break(plan, watch, undos, record)
            self._conclude(plan, watch, observers, rows, record)
        finally:
            load.stop()
            observers.stop()
            rows.drop()
            log.close()
        return log.path

    def _break(self, plan: DrillPlan, watch: LoadWatch, undos: Undos, record: DrillRecord) -> None:
        """The faults, what comes of them, and in any case the healing: too early, if anything goes wrong."""
        early = True
        try:
            inject(plan, self._context, undos, record)
            wait_for_service(plan, watch, self._context.progress)
            early = False
        finally:
            heal_all(self._context, undos, record, early=early)

    def _conclude(
        self, plan: DrillPlan, watch: LoadWatch, observers: Observers, rows: RowTable, record: DrillRecord
    ) -> None:
        """Back to all members, load off, checks and count; a log without an end says that something is missing."""
        whole = fully_replicated(self._context, self._patroni, record)
        if whole:
            watch.cool_down()
        watch.load.stop()
        observers.stop()
        record.log.add("clock", node=plan.client, error=round(watch.load.measure_drift(), 4))
        check_health(self._context, record)
        if whole:
            rows.count(record)
            record.log.add("end", t=record.now)
