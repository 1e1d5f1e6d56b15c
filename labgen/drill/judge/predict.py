"""What the timers say: how long each path should be without writes, from a fault's effect and the lab's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labgen.components.manifest import ProxyRole, VipRole
from labgen.faults.model import Effect
from labgen.lab.model import Lab, Provided
from labgen.lab.roles import address, port, ports, seconds_of

RACE = (1.0, 5.0)
"""Seconds from the end of the lease until a replica has won, has been promoted and is found by libpq."""
HANDOVER = (0.5, 3.0)
"""Seconds a clean stop takes from the last write on the old leader until the first on the new one."""
RESTART = (0.5, 10.0)
"""Seconds in which Patroni notices that PostgreSQL is gone and starts it again; it looks once a loop at the latest."""
ELECTION = 3.0
"""Seconds in which another member of the DCS takes over; it then gives all leases their full time again."""

CLIENT = 4.0
"""Seconds that a client may hang on a statement, and then on a host that does not answer."""


@dataclass(frozen=True)
class Span:
    """From LOW to HIGH seconds, and out of what they are made up."""

    low: float
    high: float
    why: str

    def plus(self, low: float, high: float, why: str) -> Span:
        return Span(self.low + low, self.high + high, f"{self.why} + {why}" if self.why else why)


@dataclass(frozen=True)
class Route:
    """How a path leads to PostgreSQL: through these components, which move an address or pass connections on."""

    through: tuple[str, ...] = ()


def route_of(lab: Lab, host: str, at: int) -> Route:
    """The components that a client of HOST, a node or an address, meets before PostgreSQL at the port AT."""
    for vip in lab.providing(VipRole):
        if address(lab, vip) == host:
            return Route((vip.component, *filter(None, [vip.role.leads_to])))
    for proxy in lab.providing(ProxyRole):
        for node in proxy.nodes:
            if host in (node.name, node.address) and at in ports(lab, proxy, node):
                behind = port(lab, proxy.role.leads_to or 0, node, proxy.component)
                return Route((proxy.component, *(route_of(lab, node.name, behind).through if behind else ())))
    return Route()


def predict(
    effect: Effect, way: Route, lab: Lab, config: Mapping[str, Any], *, dcs_leader: bool = False
) -> Span | None:
    """The longest gap that a fault with EFFECT on the leader should make on a path; None where timers say nothing.

    SYNC_UNCONFIRMED is the one effect on others: all synchronous standbys have fallen silent. CONFIG is the cluster's,
    from Patroni. dcs_leader: whether the target may be the DCS's own leader too.
    """
    ttl, loop = float(config.get("ttl", 30)), float(config.get("loop_wait", 10))
    if effect in (Effect.LEASE_EXPIRES, Effect.LEASE_RENEWED_ONCE):
        # The lease was renewed somewhere in the loop before the fault. Who only does not hear any more renews it once
        # again in the next one, over a connection that was open.
        last = ttl + loop if effect is Effect.LEASE_RENEWED_ONCE else ttl
        span = Span(ttl - loop, last, f"lease {ttl - loop:g}-{last:g}").plus(*RACE, "race")
        if dcs_leader:
            span = span.plus(*_election(loop))
    elif effect is Effect.DCS_ISOLATED:
        # It goes on for a loop and its retries at most, and the lease has been running for as long by then.
        retry = float(config.get("retry_timeout", 10))
        low, high = max(ttl - 2 * loop - retry, 0.0), ttl - retry
        span = Span(low, high, f"rest of the lease {low:g}-{high:g}").plus(*RACE, "race")
    elif effect is Effect.SYNC_UNCONFIRMED:
        # The standby counts until its own key has run out; what waits is confirmed by whom the leader names then.
        span = Span(ttl - loop, ttl, f"the standby's key {ttl - loop:g}-{ttl:g}")
        span = span.plus(0, loop, "the leader's next round")
        if dcs_leader:
            span = span.plus(*_election(loop))
        return span.plus(0, CLIENT, "the clients' own deadlines")
    elif effect is Effect.CLEAN_HANDOVER:
        span = Span(*HANDOVER, "handover")
    elif effect is Effect.RESTART:
        span = Span(RESTART[0], max(RESTART[1], loop), "restart in place")
    else:
        return None
    span = span.plus(0, CLIENT, "the clients' own deadlines")
    return _behind(way, lab, span)


def _behind(way: Route, lab: Lab, span: Span) -> Span:
    """SPAN as it is felt on WAY: the components there notice in their own time that another one leads."""
    provided: list[Provided[ProxyRole] | Provided[VipRole]] = [*lab.providing(ProxyRole), *lab.providing(VipRole)]
    for one in provided:
        if one.component in way.through:
            for delay in one.role.delays:
                span = span.plus(0, seconds_of(lab, delay, one), delay.why)
    return span


def _election(loop: float) -> tuple[float, float, str]:
    return 0, ELECTION + loop, "DCS election"
