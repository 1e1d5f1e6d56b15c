"""Questions that are asked of a lab before and after it is broken: is it healthy, who is who, is all there again?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from labgen.checks import CheckReport, Status, run_checks
from labgen.checks.builtin.floating_ip import COMMAND, parse_addresses
from labgen.cluster.nodes import Nodes
from labgen.cluster.state import ClusterState, vip_of
from labgen.errors import LabgenError, OperationError
from labgen.lab.model import Lab
from labgen.operations import Patroni, leader_of
from labgen.system.connection import Connection
from labgen.system.parallel import in_parallel


def gate(
    lab: Lab, secrets: Mapping[str, Mapping[str, str]], nodes: Nodes, settle: float, *, sequential: bool = False
) -> CheckReport:
    """All checks of LAB; raises OperationError with what is wrong unless every one passes within SETTLE seconds.

    sequential: one after the other, for emulated machines.
    """
    missing = [node.name for node in lab.nodes if node.name not in nodes]
    if missing:
        raise OperationError(
            f"the lab {lab.name} is not healthy, and a drill needs a healthy one",
            detail=[f"{name} is not running" for name in missing],
            cure=f"labgen up {lab.name}",
        )
    report = run_checks(lab, secrets, nodes, settle=settle, sequential=sequential)
    sick = [f"{result.name}: {result.detail}" for result in report.results if result.status is not Status.PASS]
    if sick:
        raise OperationError(
            f"the lab {lab.name} is not healthy, and a drill needs a healthy one",
            detail=sick,
            cure=f"labgen verify {lab.name} -v shows more; labgen up {lab.name} mends what has stopped",
        )
    return report


def cluster_state_of(lab: Lab, nodes: Mapping[str, Connection], patroni: Patroni) -> ClusterState:
    """Who is who in LAB now; raises OperationError if there is no single leader."""
    view = patroni.view()
    leader = leader_of(view, lab.name)
    replicas = tuple(name for name in view.members if view.follows(name))
    synchronous = tuple(
        member.name for member in view.cluster.members if member.role in ("sync_standby", "quorum_standby")
    )
    return ClusterState(lab, leader.name, leader.timeline or 0, replicas, synchronous, _vip_holder(lab, nodes))


def _vip_holder(lab: Lab, nodes: Mapping[str, Connection]) -> str | None:
    vip = vip_of(lab)
    if vip is None:
        return None
    held, _ = in_parallel(lambda node: parse_addresses(nodes[node].run(COMMAND, timeout=10).stdout), list(nodes))
    return next((node for node, addresses in held.items() if any(a.address == vip for a in addresses)), None)


def is_whole(patroni: Patroni, members: Collection[str]) -> bool:
    """Whether one leads, all other MEMBERS stream from it, on its timeline, and it takes writes."""
    try:
        view = patroni.view()
        if view.leader is None or view.leader.state != "running" or set(view.members) != set(members):
            return False
        leader = view.leader.name
        others = set(members) - {leader}
        if not all(view.follows(name) for name in others):
            return False
        # Without a DCS what the members know of each other is old: a leader that has stepped down still counts as one.
        return patroni.takes_writes(leader) and others <= patroni.streaming(leader)
    except LabgenError:
        return False
