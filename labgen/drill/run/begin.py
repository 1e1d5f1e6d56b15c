"""The first line of a drill's log, written before anything is done."""

from __future__ import annotations

from datetime import datetime

from labgen.checks.registry import select_checks
from labgen.drill.judge.begin import LogBegin, PathAbout
from labgen.drill.judge.entries import Witness
from labgen.drill.judge.predict import CLIENT, Route, Span, predict
from labgen.drill.run.plan import DrillPlan, strongest
from labgen.drill.run.streams import CONNECT_TIMEOUT, DEADLINE, INTERVAL, OBSERVE_EVERY
from labgen.faults.model import FAILS_OVER, Effect
from labgen.lab.model import Lab

TIMERS = ("ttl", "loop_wait", "retry_timeout", "synchronous_mode", "maximum_lag_on_failover", "failsafe_mode")
GOES_ON = Span(0, CLIENT, "failsafe_mode: the leader goes on; a client's own deadline")


def log_begin(lab: Lab, plan: DrillPlan, began: datetime) -> LogBegin:
    """Everything that is known of the drill that PLAN describes when it begins."""
    cluster, predicted = plan.cluster, _predicted(lab, plan)
    return LogBegin(
        format=2,
        lab=lab.name,
        blueprint=lab.blueprint.name,
        profile=lab.profile,
        provider=lab.provider,
        versions=dict(lab.versions),
        started=began.isoformat(timespec="seconds"),
        drill=plan.drill,
        operations=tuple(planned.title for planned in plan.faults),
        timers={name: plan.config.get(name) for name in TIMERS},
        leader=cluster.leader,
        timeline=cluster.timeline,
        members=tuple(node.name for node in lab.member_nodes),
        vip=cluster.vip_holder,
        client=plan.client,
        interval=INTERVAL,
        deadline=DEADLINE,
        connect_timeout=CONNECT_TIMEOUT,
        observe=OBSERVE_EVERY,
        paths=tuple(
            PathAbout(name=path.name, summary=path.summary, reads=path.reads, predicted=predicted[path.name])
            for path in plan.paths
        ),
        checks=tuple(check.name for check in select_checks(lab)),
        witnesses=tuple(Witness),
    )


def _predicted(lab: Lab, plan: DrillPlan) -> dict[str, Span | None]:
    """Path → the outage that the timers make of the faults."""
    if plan.goes_on:
        return {path.name: None if path.reads else GOES_ON for path in plan.paths}
    effect, struck = strongest(plan.faults, plan.cluster)
    if effect in FAILS_OVER and plan.config.get("synchronous_mode") and not plan.cluster.synchronous:
        return dict.fromkeys((path.name for path in plan.paths), None)  # nobody may take over
    quorum = any(planned.fault.effect is Effect.DCS_QUORUM_LOST for planned in plan.faults)
    own = struck in plan.cluster.dcs
    return {
        path.name: None
        if quorum or path.reads
        else predict(effect, Route(path.through), lab, plan.config, dcs_leader=own)
        for path in plan.paths
    }
