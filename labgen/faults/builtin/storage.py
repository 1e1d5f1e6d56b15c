"""Faults of disk and clock."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.cluster.state import ClusterState
from labgen.components.manifest import FailoverManagerRole
from labgen.faults.builtin.commands import on_node
from labgen.faults.model import Choice, Effect, Fault, Injection
from labgen.lab.model import Node
from labgen.providers import Capability

FILLED = "labgen-drill-fill"
DISK_FULL = Fault(
    "disk-full",
    "has no room for WAL any more",
    "leader",
    Effect.RESTART,
    on_node(
        "wal=$(readlink -f /var/lib/postgresql/*/*/pg_wal | head -n1) && "
        f'free=$(df --output=avail -B1 "$wal" | tail -n1) && fallocate -l "$free" "$wal/../{FILLED}"',
        f"rm -f /var/lib/postgresql/*/*/{FILLED}",
    ),
    needs=frozenset({Capability.OWN_DISK}),
    role=FailoverManagerRole,
)


def _step(_cluster: ClusterState, node: Node, values: Mapping[str, float]) -> tuple[Injection, ...]:
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
    Effect.NONE,
    _step,
    needs=frozenset({Capability.OWN_CLOCK}),
    role=FailoverManagerRole,
    choices={"seconds": Choice(60, -86_400, 86_400, "seconds")},
)
