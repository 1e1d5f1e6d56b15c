"""A fault: vip-manager hangs, and the address stays where it is, whoever leads."""

from collections.abc import Mapping

from labgen.cluster.state import ClusterState
from labgen.faults.model import Effect, Fault, Injection
from labgen.lab.model import Node

SIGNAL = "systemctl kill --kill-whom=main --signal={} vip-manager"


def plan(_cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    return (Injection(node.name, SIGNAL.format("STOP"), SIGNAL.format("CONT"), dead_man=True),)


HANG = Fault(
    "vip-manager-hang",
    "has its vip-manager frozen (SIGSTOP), and keeps the address",
    "leader",
    Effect.NONE,
    plan,
    component=("vip-manager",),
)
