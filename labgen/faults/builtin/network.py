"""Faults of the network, all of them done on the node itself."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.checks.builtin.postgresql import local_sql
from labgen.cluster.dcs import dcs_ports
from labgen.cluster.state import ClusterState
from labgen.components.manifest import FailoverManagerRole
from labgen.faults import netcut
from labgen.faults.model import Choice, Effect, Fault, Injection, Plan
from labgen.lab.model import Node
from labgen.providers import Capability


def _cut(directions: tuple[str, ...]) -> Plan:
    def plan(_cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        apply = netcut.cut(node.address, netcut.everything(), directions)
        return (Injection(node.name, apply, netcut.restore(node.address), dead_man=True),)

    return plan


def _cut_dcs(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    ports = dcs_ports(cluster.lab)
    apply = netcut.cut(node.address, netcut.ports(ports, ports))
    return (Injection(node.name, apply, netcut.restore(node.address), dead_man=True),)


def _reject(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    """Unreachable routes both ways: whoever tries hears at once that nobody is there."""
    others = [other for other in cluster.lab.nodes if other.name != node.name]
    injections = [_unreachable(node.name, [other.address for other in others])]
    injections += [_unreachable(other.name, [node.address]) for other in others]
    return tuple(injections)


def _unreachable(node: str, addresses: list[str]) -> Injection:
    add = " && ".join(f"ip route replace unreachable {address}/32 metric {METRIC}" for address in addresses)
    undo = f"ip route show type unreachable | grep -E 'metric {METRIC}( |$)' | while read -r kind to rest; do "
    undo += f'ip route del unreachable "${{to#unreachable }}" metric {METRIC}; done; '
    undo += f"! ip route show type unreachable | grep -qE 'metric {METRIC}( |$)'"
    return Injection(node, add, undo, dead_man=True)


METRIC = 48879
PARTITION = Fault(
    "partition",
    "is cut off the lab's network (packets vanish)",
    "leader",
    Effect.LEASE_EXPIRES,
    _cut(netcut.BOTH),
    takes_down=True,
)
PARTITION_IN = Fault(
    "partition-in",
    "hears nothing of the lab's network",
    "leader",
    Effect.LEASE_RENEWED_ONCE,
    _cut(("ingress",)),
    takes_down=True,
)
PARTITION_OUT = Fault(
    "partition-out",
    "is not heard on the lab's network",
    "leader",
    Effect.LEASE_EXPIRES,
    _cut(("egress",)),
    takes_down=True,
)
PARTITION_REJECT = Fault(
    "partition-reject",
    "is cut off the other nodes (they are told so at once)",
    "leader",
    Effect.LEASE_EXPIRES,
    _reject,
    takes_down=True,
)
CUT_DCS = Fault("cut-dcs", "is cut off the DCS only", "leader", Effect.DCS_ISOLATED, _cut_dcs, role=FailoverManagerRole)


WAL_PORTS = "select client_port from pg_stat_replication where client_port > 0 order by 1"


def _block_replication(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    """Drops what goes out over the connections of the WAL senders alone: all others go on."""
    apply = netcut.cut_ports_of(node.address, local_sql(WAL_PORTS), len(cluster.replicas))
    return (Injection(node.name, apply, netcut.restore(node.address), dead_man=True),)


REPLICATION_BLOCKED = Fault(
    "replication-blocked",
    "sends its replicas no WAL any more, and nobody notices",
    "leader",
    Effect.NONE,
    _block_replication,
    role=FailoverManagerRole,
)


def _netem(word: str, unit: str) -> Plan:
    def plan(_cluster: ClusterState, node: Node, values: Mapping[str, float]) -> tuple[Injection, ...]:
        device = f"dev=$(ip -o -4 address show to {node.address} | awk '{{ print $2; exit }}') && "
        add = f'{device}tc qdisc replace dev "$dev" root handle beef: netem {word} {values[word]:g}{unit}'
        undo = f'{device}if tc qdisc show dev "$dev" | grep -q "netem beef:"; then tc qdisc del dev "$dev" root; fi'
        return (Injection(node.name, add, undo, dead_man=True),)

    return plan


DELAY = Fault(
    "delay",
    "answers late",
    "leader",
    Effect.NONE,
    _netem("delay", "ms"),
    needs=frozenset({Capability.OWN_KERNEL}),
    takes_down=True,
    choices={"delay": Choice(200, 1, 10_000, "milliseconds")},
)
LOSS = Fault(
    "loss",
    "loses packets",
    "leader",
    Effect.NONE,
    _netem("loss", "%"),
    needs=frozenset({Capability.OWN_KERNEL}),
    takes_down=True,
    choices={"loss": Choice(20, 1, 100, "per cent")},
)
