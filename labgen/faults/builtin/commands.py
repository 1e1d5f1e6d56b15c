"""Injections that are a command on the struck node and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.cluster.state import ClusterState
from labgen.faults.model import Injection, Plan, UnitRole, units_on
from labgen.lab.model import Node

# A member that waits for the others counts as starting for as long as they are away.
START = "systemctl reset-failed {} 2>/dev/null; systemctl start --no-block {}"


def on_node(command: str, undo: str | None) -> Plan:
    """COMMAND on the node, undone by UNDO."""

    def plan(_cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        return (Injection(node.name, command, undo, dead_man=undo is not None),)

    return plan


def on_unit(role: type[UnitRole], command: str, undo: str = START) -> Plan:
    """COMMAND about the unit of the component with ROLE, {} in it; undone by UNDO, which starts that again."""

    def plan(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        _, unit = next(units_on(cluster.lab, node, role))
        return (Injection(node.name, command.replace("{}", unit), undo.replace("{}", unit), dead_man=True),)

    return plan
