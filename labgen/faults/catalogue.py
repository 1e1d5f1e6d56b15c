"""The faults: small objects that say what they would do, with its undo; nothing here does anything.

Others add theirs to the entry-point group `labgen.faults`: an object like the ones below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points

from labgen.checks.builtin.postgresql import local_sql
from labgen.cluster.state import ClusterState, ports_of_dcs
from labgen.errors import OperationError, UnknownNameError, UsageError
from labgen.faults import netcut as cut
from labgen.faults import power as machines
from labgen.lab.model import Node
from labgen.plugins import entry_point_names

GROUP = "labgen.faults"
FAILS_OVER = ("silent", "deaf", "fenced", "headless", "orderly")
"""Effects on a leader after which another one takes over."""
MACHINES = ("libvirt", "virtualbox")
CONTAINERS = ("docker",)


@dataclass(frozen=True)
class Injection:
    """A command and what undoes it; None: nothing does, or nothing has to.

    node: where both are run as root; None: on this host, as words. dead_man: whether a timer there is to undo it too.
    """

    node: str | None
    command: str | tuple[str, ...]
    undo: str | tuple[str, ...] | None
    dead_man: bool = False


@dataclass(frozen=True)
class Choice:
    """A number that one may choose, with its unit."""

    default: float
    least: float
    most: float
    about: str


Plan = Callable[[ClusterState, Node, Mapping[str, float]], tuple[Injection, ...]]


@dataclass(frozen=True)
class Fault:
    """A way to break something. TARGET is its usual one.

    effect: what becomes of a leader that it strikes: its lease has to end (`silent`), perhaps after it was renewed once
    more (`deaf`), also while it still takes writes for a time (`fenced`) or for ever (`headless`), it gives its key
    back (`orderly`), it starts again in place (`restart`), the DCS loses its majority (`dcs`), or nothing happens to it
    (`none`).
    refused: provider → why it cannot be done there. component: what the target has to carry, any of these.
    takes_down: whether clients on the node would feel it too, for its machine or its network is struck.
    """

    name: str
    title: str
    target: str
    effect: str
    plan: Plan
    refused: Mapping[str, str] = field(default_factory=dict)
    component: tuple[str, ...] = ()
    takes_down: bool = False
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def refuse(self, cluster: ClusterState, nodes: tuple[str, ...]) -> None:
        """Raise OperationError if this cannot be done to NODES."""
        lab = cluster.lab
        if reason := self.refused.get(lab.provider):
            raise OperationError(
                f"the fault {self.name} cannot be injected with the provider {lab.provider}: {reason}",
                where=lab.name,
                cure=f"labgen drill list {lab.name} shows what can",
            )
        for name in nodes:
            node = lab.node(name)
            if self.component and not set(self.component) & set(node.components):
                raise OperationError(
                    f"the fault {self.name} is about {' or '.join(self.component)}, and {name} carries none",
                    where=lab.name,
                    cure="name another target",
                )

    def chosen(self, values: Mapping[str, float]) -> dict[str, float]:
        """VALUES completed by the defaults; raises UsageError for one that is unknown or out of range."""
        for name, value in values.items():
            if name not in self.choices:
                raise UnknownNameError(f"value of the fault {self.name}", name, self.choices)
            about = self.choices[name]
            if not about.least <= value <= about.most:
                raise UsageError(
                    f"{name} is {value:g}, and has to be from {about.least:g} to {about.most:g} ({about.about})",
                    where=f"fault {self.name}",
                )
        return {name: float(values.get(name, about.default)) for name, about in self.choices.items()}


def find_fault(name: str) -> Fault:
    """The fault NAME; raises UnknownNameError, or UsageError if what is registered under it is none."""
    if name not in entry_point_names(GROUP):
        raise UnknownNameError("fault", name, entry_point_names(GROUP))
    point = next(point for point in entry_points(group=GROUP) if point.name == name)
    fault = point.load()
    if not isinstance(fault, Fault):
        raise UsageError(f"{point.value} is no labgen.faults.catalogue.Fault", cure="mend or uninstall its package")
    return fault


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault, by name."""
    return tuple(find_fault(name) for name in entry_point_names(GROUP))


# --- whole machines ---------------------------------------------------------------------------------------------------


def _power(cluster: ClusterState, node: Node, _: Mapping[str, float]) -> tuple[Injection, ...]:
    # A container that is killed closes its sockets, which a machine without power does not: nobody may hear of it.
    return (
        Injection(node.name, cut.cut(node.address, cut.everything()), cut.mend(node.address), dead_man=True),
        Injection(
            None, machines.command(cluster.lab, node.name, "off"), machines.command(cluster.lab, node.name, "on")
        ),
    )


def _freeze(cluster: ClusterState, node: Node, _: Mapping[str, float]) -> tuple[Injection, ...]:
    return (
        Injection(
            None, machines.command(cluster.lab, node.name, "freeze"), machines.command(cluster.lab, node.name, "thaw")
        ),
    )


POWER_LOSS = Fault("power-loss", "loses power", "leader", "silent", _power, takes_down=True)
FREEZE = Fault("freeze", "is frozen as a whole", "leader", "silent", _freeze, takes_down=True)

# --- services ---------------------------------------------------------------------------------------------------------


def _on_node(command: str, undo: str | None) -> Plan:
    def plan(_world: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        return (Injection(node.name, command, undo, dead_man=undo is not None),)

    return plan


def _unit(components: Mapping[str, str], command: str) -> Plan:
    """COMMAND about the unit of whichever of COMPONENTS the node carries, {} in it; undone by starting that again."""

    def plan(_world: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        unit = next(unit for component, unit in components.items() if component in node.components)
        return (Injection(node.name, command.replace("{}", unit), START.replace("{}", unit), dead_man=True),)

    return plan


DCS = {"etcd": "etcd", "consul": "consul"}
PROXIES = {"haproxy": "haproxy", "pgbouncer": "pgbouncer"}
VIPS = {"keepalived": "keepalived"}
# A member that waits for the others counts as starting for as long as they are away.
START = "systemctl reset-failed {} 2>/dev/null; systemctl start --no-block {}"
START_PATRONI = START.replace("{}", "patroni")
POSTMASTER = 'pid=$(head -n1 /var/lib/postgresql/*/*/postmaster.pid 2>/dev/null) && [ -n "$pid" ]'

PATRONI_STOP = Fault(
    "patroni-stop",
    "has its Patroni stopped in order",
    "leader",
    "orderly",
    _on_node("systemctl stop patroni", START_PATRONI),
    component=("patroni",),
)
# Its unit would start it again at once. A masked one would not, but it has lost its settings too, and without
# KillMode=process systemd ends PostgreSQL along with Patroni.
STAY_DOWN = "/run/systemd/system/patroni.service.d/zz-labgen-drill.conf"
PATRONI_KILL = Fault(
    "patroni-kill",
    "has its Patroni killed, PostgreSQL lives on",
    "leader",
    "headless",
    _on_node(
        f"mkdir -p {STAY_DOWN.rpartition('/')[0]} && printf '[Service]\\nRestart=no\\n' >{STAY_DOWN} && "
        "systemctl daemon-reload && systemctl kill --kill-who=main --signal=KILL patroni",
        f"rm -f {STAY_DOWN}; systemctl daemon-reload; {START_PATRONI}",
    ),
    component=("patroni",),
)
PATRONI_FREEZE = Fault(
    "patroni-freeze",
    "has its Patroni frozen (SIGSTOP), PostgreSQL lives on",
    "leader",
    "headless",
    _on_node(
        "systemctl kill --kill-who=main --signal=STOP patroni", "systemctl kill --kill-who=main --signal=CONT patroni"
    ),
    component=("patroni",),
)
POSTMASTER_KILL = Fault(
    "postmaster-kill",
    "has its postmaster killed; Patroni starts it again",
    "leader",
    "restart",
    _on_node(f'{POSTMASTER} && kill -KILL "$pid"', None),
    component=("patroni",),
)
A_CLIENT = (
    "select pid from pg_stat_activity "
    "where backend_type = 'client backend' and application_name = 'labgen-drill' limit 1"
)
BACKEND_KILL = Fault(
    "backend-kill",
    "has one client's server process killed, upon which PostgreSQL ends all others",
    "leader",
    "restart",
    _on_node(f'pid=$({local_sql(A_CLIENT)}) && [ -n "$pid" ] && kill -KILL "$pid"', None),
    component=("patroni",),
)
DCS_STOP = Fault(
    "dcs-stop",
    "has its member of the DCS stopped",
    "dcs-quorum",
    "dcs",
    _unit(DCS, "systemctl stop {}"),
    component=tuple(DCS),
)
DCS_KILL = Fault(
    "dcs-kill",
    "has its member of the DCS killed, which its unit may start again",
    "dcs-member",
    "none",
    _unit(DCS, "systemctl kill --kill-who=all --signal=KILL {}"),
    component=tuple(DCS),
)
PROXY_KILL = Fault(
    "proxy-kill",
    "has its proxy killed, which its unit may start again",
    "proxy",
    "none",
    _unit(PROXIES, "systemctl kill --kill-who=all --signal=KILL {}"),
    component=tuple(PROXIES),
)
PROXY_STOP = Fault(
    "proxy-stop",
    "loses its proxy",
    "proxy",
    "none",
    _unit(PROXIES, "systemctl stop {}"),
    component=tuple(PROXIES),
)
VIP_STOP = Fault(
    "vip-stop",
    "has its keepalived stopped, and so gives up the VIP",
    "vip-holder",
    "none",
    _unit(VIPS, "systemctl stop {}"),
    component=tuple(VIPS),
)

# --- the network ------------------------------------------------------------------------------------------------------


def _cut(directions: tuple[str, ...]) -> Plan:
    def plan(_world: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
        apply = cut.cut(node.address, cut.everything(), directions)
        return (Injection(node.name, apply, cut.mend(node.address), dead_man=True),)

    return plan


def _cut_dcs(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    ports = ports_of_dcs(cluster.lab)
    apply = cut.cut(node.address, cut.ports(ports, ports))
    return (Injection(node.name, apply, cut.mend(node.address), dead_man=True),)


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
    "partition", "is cut off the lab's network (packets vanish)", "leader", "silent", _cut(cut.BOTH), takes_down=True
)
PARTITION_IN = Fault(
    "partition-in", "hears nothing of the lab's network", "leader", "deaf", _cut(("ingress",)), takes_down=True
)
PARTITION_OUT = Fault(
    "partition-out", "is not heard on the lab's network", "leader", "silent", _cut(("egress",)), takes_down=True
)
PARTITION_REJECT = Fault(
    "partition-reject",
    "is cut off the other nodes (they are told so at once)",
    "leader",
    "silent",
    _reject,
    takes_down=True,
)
CUT_DCS = Fault("cut-dcs", "is cut off the DCS only", "leader", "fenced", _cut_dcs, component=("patroni",))


WAL_PORTS = "select client_port from pg_stat_replication where client_port > 0 order by 1"


def _block_replication(cluster: ClusterState, node: Node, _values: Mapping[str, float]) -> tuple[Injection, ...]:
    """Drops what goes out over the connections of the WAL senders alone: all others go on."""
    apply = cut.cut_ports_of(node.address, local_sql(WAL_PORTS), len(cluster.replicas))
    return (Injection(node.name, apply, cut.mend(node.address), dead_man=True),)


REPLICATION_BLOCKED = Fault(
    "replication-blocked",
    "sends its replicas no WAL any more, and nobody notices",
    "leader",
    "none",
    _block_replication,
    component=("patroni",),
)

NO_NETEM = "containers share this machine's kernel, and delay and loss are left to machines with one of their own"


def _netem(word: str, unit: str) -> Plan:
    def plan(_world: ClusterState, node: Node, values: Mapping[str, float]) -> tuple[Injection, ...]:
        device = f"dev=$(ip -o -4 address show to {node.address} | awk '{{ print $2; exit }}') && "
        add = f'{device}tc qdisc replace dev "$dev" root handle beef: netem {word} {values[word]:g}{unit}'
        undo = f'{device}if tc qdisc show dev "$dev" | grep -q "netem beef:"; then tc qdisc del dev "$dev" root; fi'
        return (Injection(node.name, add, undo, dead_man=True),)

    return plan


DELAY = Fault(
    "delay",
    "answers late",
    "leader",
    "none",
    _netem("delay", "ms"),
    refused=dict.fromkeys(CONTAINERS, NO_NETEM),
    takes_down=True,
    choices={"delay": Choice(200, 1, 10_000, "milliseconds")},
)
LOSS = Fault(
    "loss",
    "loses packets",
    "leader",
    "none",
    _netem("loss", "%"),
    refused=dict.fromkeys(CONTAINERS, NO_NETEM),
    takes_down=True,
    choices={"loss": Choice(20, 1, 100, "per cent")},
)

# --- disk and clock ---------------------------------------------------------------------------------------------------

FILLED = "labgen-drill-fill"
DISK_FULL = Fault(
    "disk-full",
    "has no room for WAL any more",
    "leader",
    "restart",
    _on_node(
        "wal=$(readlink -f /var/lib/postgresql/*/*/pg_wal | head -n1) && "
        f'free=$(df --output=avail -B1 "$wal" | tail -n1) && fallocate -l "$free" "$wal/../{FILLED}"',
        f"rm -f /var/lib/postgresql/*/*/{FILLED}",
    ),
    refused=dict.fromkeys(CONTAINERS, "a container's disk is this machine's own, and would be full with it"),
    component=("patroni",),
)


def _step(_world: ClusterState, node: Node, values: Mapping[str, float]) -> tuple[Injection, ...]:
    # What the clock was ahead of the time since boot is kept, so that setting it back may be repeated.
    keep = "/run/labgen-drill-clock"
    python = "python3 -c 'import sys, time; wall, up = time.CLOCK_REALTIME, time.CLOCK_BOOTTIME; "
    step = (
        f"test -e {keep} || {python}print(time.clock_gettime(wall) - time.clock_gettime(up))' >{keep} && "
        f"{python}time.clock_settime(wall, float(open(sys.argv[1]).read()) + time.clock_gettime(up) + "
        f"float(sys.argv[2]))' {keep} {values['seconds']:g}"
    )
    undo = (
        f"test ! -e {keep} || {{ {python}time.clock_settime(wall, float(open(sys.argv[1]).read()) + "
        f"time.clock_gettime(up))' {keep} && rm {keep}; }}"
    )
    return (Injection(node.name, step, undo, dead_man=True),)


CLOCK_STEP = Fault(
    "clock-step",
    "has its clock moved",
    "leader",
    "none",
    _step,
    refused=dict.fromkeys(CONTAINERS, "a container's clock is this machine's own"),
    component=("patroni",),
    choices={"seconds": Choice(60, -86_400, 86_400, "seconds")},
)
