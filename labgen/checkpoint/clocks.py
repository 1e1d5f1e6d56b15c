"""The clocks of machines that stood still: they are set to the controller's time, which no NTP does for them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from labgen.errors import NodeError
from labgen.system.connection import Connection
from labgen.system.parallel import in_parallel

TIMEOUT = 60.0
"""Seconds for one machine to set its clock: emulated ones that have just come back are slow."""


def set_clocks(connections: Mapping[str, Connection], lab: str) -> None:
    """Set the clock of every node, all at the same time; raises NodeError naming those where that failed."""

    def step(node: str) -> None:
        connection = connections[node]
        # To have the connection ready is what takes long: the time is looked at after that.
        connection.run("true", timeout=TIMEOUT)
        done = connection.run(set_clock(time.time()), timeout=TIMEOUT)
        if not done.ok:
            raise NodeError(f"{node}: {done.stderr.strip() or 'date failed'}")

    _, errors = in_parallel(step, connections)
    if errors:
        raise NodeError(
            f"the clock could not be set on {', '.join(sorted(errors))}",
            where=lab,
            detail=[error.what for _, error in sorted(errors.items())],
            cure=f"labgen exec {lab} NODE -- date --set='YYYY-MM-DD HH:MM:SS', or labgen halt {lab}, then up",
        )


def set_clock(now: float) -> str:
    """The command that sets a node's clock to NOW, in seconds since the epoch.

    The lease of its management address may have run out meanwhile, for whoever asks where the node is: it is renewed.
    """
    return f"date --utc --set=@{now:.3f} && {{ networkctl renew eth0 >/dev/null 2>&1 || true; }}"
