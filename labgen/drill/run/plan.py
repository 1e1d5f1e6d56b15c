"""What a drill will do, worked out before anything is done: faults, their targets, clients, paths, how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labgen.blueprint.drills import Drill
from labgen.cluster.nodes import Nodes
from labgen.cluster.probes import cluster_state_of
from labgen.cluster.state import ClusterState
from labgen.drill.run.clients import choose_client, load_paths
from labgen.drill.run.failsafe import SETTING, outlasts, with_failsafe
from labgen.drill.run.streams import LoadPath
from labgen.faults.model import FAILS_OVER, FALLS_SILENT, Effect, Fault, Injection
from labgen.faults.registry import find_fault
from labgen.faults.targets import find_targets
from labgen.lab.model import Lab
from labgen.operations import Patroni

GRACE = 40.0
"""Seconds beyond what is predicted or expected after which nothing more is waited for before healing."""


@dataclass(frozen=True)
class PlannedFault:
    """A fault, the nodes it strikes and what is done to each, worked out beforehand. AFTER: seconds to wait first."""

    fault: Fault
    targets: tuple[str, ...]
    injections: tuple[tuple[str, Injection], ...]
    after: float

    @property
    def title(self) -> str:
        who = self.targets[0] if len(self.targets) == 1 else f"each of {', '.join(self.targets)}"
        return f"{who} {self.fault.title}"

    @property
    def unwatched(self) -> tuple[str, ...]:
        """The targets on which nothing runs any more: what is done from outside is done to the whole machine."""
        return tuple(dict.fromkeys(name for name, injection in self.injections if injection.node is None))


@dataclass(frozen=True)
class DrillPlan:
    """A drill as it is about to be played on a CLUSTER with this CONFIG of Patroni's; its clients are on CLIENT."""

    drill: Drill
    cluster: ClusterState
    config: Mapping[str, Any]
    faults: tuple[PlannedFault, ...]
    client: str
    paths: tuple[LoadPath, ...]

    @property
    def limit(self) -> float:
        """Seconds after which even a drill in which nothing comes back is healed."""
        expect = self.drill.expect
        # Where nobody is to take over, no lease is waited for, unless the timers are to say for how long.
        patient = expect.failover is not False or expect.outage == "timers"
        lease = 2.0 * float(self.config.get("ttl", 30)) if patient else 0.0
        outage = expect.outage if isinstance(expect.outage, float) else 0.0
        wanted = max([lease, outage, *expect.paths.values()])
        return wanted + self.drill.hold + GRACE

    @property
    def fails_over(self) -> bool:
        """Whether another one is waited for to lead: as expected, or else as the faults usually make it."""
        leader = self.cluster.leader
        usual = any(one.fault.effect in FAILS_OVER and leader in one.targets for one in self.faults)
        usual = usual and not self.goes_on
        return usual if self.drill.expect.failover is None else self.drill.expect.failover

    @property
    def goes_on(self) -> bool:
        """Whether the leader outlasts the faults by failsafe_mode."""
        return bool(self.config.get(SETTING)) and outlasts([one.fault for one in self.faults])

    @property
    def to_recover(self) -> tuple[str, ...]:
        """The paths that are to work again before anything is healed."""
        names = self.drill.expect.recovered_before_heal
        return tuple(path.name for path in self.paths if names is None or path.name in names)


def plan_drill(drill: Drill, lab: Lab, nodes: Nodes, patroni: Patroni) -> DrillPlan:
    """DRILL on LAB as it is now; raises LabgenError if any of it cannot be, before anything is done."""
    cluster = cluster_state_of(lab, nodes, patroni)
    config = patroni.config()
    drill = with_failsafe(drill, lab, on=bool(config.get(SETTING)))
    faults = plan_faults(drill, cluster)
    targets = {name for planned in faults for name in planned.targets}
    struck = {name for planned in faults if planned.fault.takes_down for name in planned.targets}
    client = choose_client(lab, nodes, struck, targets, cluster)
    return DrillPlan(drill, cluster, config, faults, client, load_paths(lab, client))


def plan_faults(drill: Drill, cluster: ClusterState) -> tuple[PlannedFault, ...]:
    """What DRILL will do to CLUSTER; raises LabgenError if any of it cannot be, before anything is done."""
    planned = []
    for step in drill.faults:
        fault = find_fault(step.fault)
        targets = find_targets(step.target or fault.target, cluster)
        fault.refuse(cluster, targets)
        values = fault.chosen(step.values)
        injections = tuple(
            (name, injection) for name in targets for injection in fault.plan(cluster, cluster.lab.node(name), values)
        )
        planned.append(PlannedFault(fault, targets, injections, step.after))
    return tuple(planned)


def strongest(faults: Sequence[PlannedFault], cluster: ClusterState) -> tuple[Effect, str]:
    """The effect by which FAULTS keep clients waiting (`predict` has them), and the node from which it comes."""
    on_leader = [one.fault.effect for one in faults if cluster.leader in one.targets]
    if on_leader:
        return on_leader[-1], cluster.leader
    silent = {name for one in faults if one.fault.effect in FALLS_SILENT for name in one.targets}
    if cluster.synchronous and silent.issuperset(cluster.synchronous):
        return Effect.SYNC_UNCONFIRMED, cluster.synchronous[0]
    return Effect.NONE, cluster.leader
