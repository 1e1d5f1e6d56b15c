"""What the timers say: how long each path should be without writes, from a fault's effect and the lab's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labgen.lab.model import Lab

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
    """How a path leads to PostgreSQL: through any of haproxy, pgbouncer, keepalived and floating-ip."""

    through: tuple[str, ...] = ()


def route_of(lab: Lab, host: str, port: int) -> Route:
    """The components that a client of HOST, a node or an address, meets before PostgreSQL at PORT."""
    for component in ("keepalived", "floating-ip"):
        for node in lab.nodes_with(component):
            if str(node.settings[component]["address"]) == host:
                return Route((component, "haproxy") if component == "keepalived" else (component,))
    for node in lab.nodes:
        if host in (node.name, node.address):
            if "pgbouncer" in node.components and int(node.settings["pgbouncer"]["port"]) == port:
                return Route(("pgbouncer",))
            return Route(("haproxy",)) if "haproxy" in node.components else Route()
    return Route()


def predict(effect: str, way: Route, lab: Lab, config: Mapping[str, Any], *, dcs_leader: bool = False) -> Span | None:
    """The longest gap that a fault with EFFECT on the leader should make on a path; None where timers say nothing.

    `unconfirmed` is the one effect on others: all synchronous standbys have fallen silent. CONFIG is the cluster's,
    from Patroni. dcs_leader: whether the target may be the DCS's own leader too.
    """
    ttl, loop = float(config.get("ttl", 30)), float(config.get("loop_wait", 10))
    if effect in ("silent", "deaf"):
        # The lease was renewed somewhere in the loop before the fault. Who only does not hear any more renews it once
        # again in the next one, over a connection that was open.
        last = ttl + loop if effect == "deaf" else ttl
        span = Span(ttl - loop, last, f"lease {ttl - loop:g}-{last:g}").plus(*RACE, "race")
        if dcs_leader:
            span = span.plus(*_election(loop))
    elif effect == "fenced":
        # It goes on for a loop and its retries at most, and the lease has been running for as long by then.
        patience = float(config.get("retry_timeout", 10))
        low, high = max(ttl - 2 * loop - patience, 0.0), ttl - patience
        span = Span(low, high, f"rest of the lease {low:g}-{high:g}").plus(*RACE, "race")
    elif effect == "unconfirmed":
        # The standby counts until its own key has run out; what waits is confirmed by whom the leader names then.
        span = Span(ttl - loop, ttl, f"the standby's key {ttl - loop:g}-{ttl:g}")
        span = span.plus(0, loop, "the leader's next round")
        if dcs_leader:
            span = span.plus(*_election(loop))
        return span.plus(0, CLIENT, "the clients' own deadlines")
    elif effect == "orderly":
        span = Span(*HANDOVER, "handover")
    elif effect == "restart":
        span = Span(RESTART[0], max(RESTART[1], loop), "restart in place")
    else:
        return None
    span = span.plus(0, CLIENT, "the clients' own deadlines")
    for component in way.through:
        if component == "haproxy":
            span = span.plus(0, _haproxy(lab), "HAProxy's checks")
        elif component == "pgbouncer":
            settings = _settings(lab, "pgbouncer")
            pause = float(settings["server_login_retry"]) + float(settings["server_connect_timeout"])
            span = span.plus(0, pause, "PgBouncer's retry")
        elif component == "floating-ip":
            span = span.plus(0, float(_settings(lab, "floating-ip")["refresh"]), "floating IP")
    return span


def _election(loop: float) -> tuple[float, float, str]:
    return 0, ELECTION + loop, "DCS election"


def _haproxy(lab: Lab) -> float:
    """Until HAProxy has believed the new leader, and no longer the old one."""
    settings = _settings(lab, "haproxy")
    inter = _seconds(str(settings["inter"]))
    down = _seconds(str(settings["downinter"] or settings["inter"]))
    fast = _seconds(str(settings["fastinter"] or settings["inter"]))
    up = down + (int(settings["rise"]) - 1) * fast
    gone = inter + (int(settings["fall"]) - 1) * fast + _seconds(str(settings["check_timeout"]))
    return max(up, gone)


def _settings(lab: Lab, component: str) -> Mapping[str, Any]:
    return lab.nodes_with(component)[0].settings[component]


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)(ms|s)", text)
    if not found:
        return 0.0
    return int(found[1]) / (1000 if found[2] == "ms" else 1)
