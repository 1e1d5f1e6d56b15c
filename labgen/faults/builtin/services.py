"""Faults of services: Patroni and PostgreSQL, the DCS, proxies and the VIP."""

from __future__ import annotations

from labgen.checks.builtin.postgresql import local_sql
from labgen.components.manifest import DcsRole, FailoverManagerRole, ProxyRole, VipRole
from labgen.faults.builtin.commands import START, on_node, on_unit
from labgen.faults.model import Effect, Fault

POSTMASTER = 'pid=$(head -n1 /var/lib/postgresql/*/*/postmaster.pid 2>/dev/null) && [ -n "$pid" ]'

PATRONI_STOP = Fault(
    "patroni-stop",
    "has its Patroni stopped in order",
    "leader",
    Effect.CLEAN_HANDOVER,
    on_unit(FailoverManagerRole, "systemctl stop {}"),
    role=FailoverManagerRole,
)
# Its unit would start it again at once. A masked one would not, but it has lost its settings too, and without
# KillMode=process systemd ends PostgreSQL along with Patroni.
STAY_DOWN = "/run/systemd/system/{}.service.d/zz-labgen-drill.conf"
PATRONI_KILL = Fault(
    "patroni-kill",
    "has its Patroni killed, PostgreSQL lives on",
    "leader",
    Effect.PATRONI_GONE,
    on_unit(
        FailoverManagerRole,
        f"mkdir -p {STAY_DOWN.rpartition('/')[0]} && printf '[Service]\\nRestart=no\\n' >{STAY_DOWN} && "
        "systemctl daemon-reload && systemctl kill --kill-who=main --signal=KILL {}",
        f"rm -f {STAY_DOWN}; systemctl daemon-reload; {START}",
    ),
    role=FailoverManagerRole,
)
PATRONI_FREEZE = Fault(
    "patroni-freeze",
    "has its Patroni frozen (SIGSTOP), PostgreSQL lives on",
    "leader",
    Effect.PATRONI_GONE,
    on_unit(
        FailoverManagerRole,
        "systemctl kill --kill-who=main --signal=STOP {}",
        "systemctl kill --kill-who=main --signal=CONT {}",
    ),
    role=FailoverManagerRole,
)
POSTMASTER_KILL = Fault(
    "postmaster-kill",
    "has its postmaster killed; Patroni starts it again",
    "leader",
    Effect.RESTART,
    on_node(f'{POSTMASTER} && kill -KILL "$pid"', None),
    role=FailoverManagerRole,
)
A_CLIENT = (
    "select pid from pg_stat_activity "
    "where backend_type = 'client backend' and application_name = 'labgen-drill' limit 1"
)
BACKEND_KILL = Fault(
    "backend-kill",
    "has one client's server process killed, upon which PostgreSQL ends all others",
    "leader",
    Effect.RESTART,
    on_node(f'pid=$({local_sql(A_CLIENT)}) && [ -n "$pid" ] && kill -KILL "$pid"', None),
    role=FailoverManagerRole,
)
DCS_STOP = Fault(
    "dcs-stop",
    "has its member of the DCS stopped",
    "dcs-quorum",
    Effect.DCS_QUORUM_LOST,
    on_unit(DcsRole, "systemctl stop {}"),
    role=DcsRole,
)
DCS_KILL = Fault(
    "dcs-kill",
    "has its member of the DCS killed, which its unit may start again",
    "dcs-member",
    Effect.NONE,
    on_unit(DcsRole, "systemctl kill --kill-who=all --signal=KILL {}"),
    role=DcsRole,
)
PROXY_KILL = Fault(
    "proxy-kill",
    "has its proxy killed, which its unit may start again",
    "proxy",
    Effect.NONE,
    on_unit(ProxyRole, "systemctl kill --kill-who=all --signal=KILL {}"),
    role=ProxyRole,
)
PROXY_STOP = Fault(
    "proxy-stop",
    "loses its proxy",
    "proxy",
    Effect.NONE,
    on_unit(ProxyRole, "systemctl stop {}"),
    role=ProxyRole,
)
VIP_STOP = Fault(
    "vip-stop",
    "has the service behind its VIP stopped, and so gives the VIP up",
    "vip-holder",
    Effect.NONE,
    on_unit(VipRole, "systemctl stop {}"),
    role=VipRole,
)
