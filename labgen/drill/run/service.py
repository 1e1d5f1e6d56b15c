"""While the faults last: until clients are served again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from labgen.drill.run.load import POLL, LoadWatch
from labgen.drill.run.plan import DrillPlan
from labgen.system.waiting import WaitTimeout, wait_until

AT_LEAST = 3.0
"""Seconds that faults last at least."""
STAYS = 1.0
"""Seconds more for what has come back to show that it stays, and after a new leader for a path to count as back."""


def wait_for_service(plan: DrillPlan, watch: LoadWatch, progress: Callable[[str], None]) -> None:
    """Until all paths that should come back have, and HOLD is over; the plan's limit at most.

    Where another one is to take over from the leader, a path is back when it works a second after that.
    """
    seen, began, old = watch.seen, time.monotonic(), plan.cluster.leader
    names, at_least = plan.to_recover, max(plan.drill.hold, AT_LEAST)
    before = dict(seen.ok)

    def served() -> bool:
        watch.check()
        changed = seen.key not in (None, old)
        since = {
            name: max(before.get(name, 0.0) + at_least, seen.key_since + STAYS if plan.fails_over else 0.0)
            for name in names
        }
        back = all(seen.ok.get(name, 0.0) > since[name] for name in names)
        gone = time.monotonic() - began
        return gone >= at_least and back and (changed or not plan.fails_over or not names)

    def tell(gone: float) -> None:
        waiting = ", ".join(names) or "the time to pass"
        standing = f"the DCS names {seen.key or 'nobody known'}; waiting for {waiting}"
        progress(f"{plan.faults[-1].title}: {gone:.0f} s, {standing}")

    # What has not come back by then is healed all the same, and in the figures.
    with suppress(WaitTimeout):
        wait_until("service", served, plan.limit, poll=POLL, on_tick=tell)
        time.sleep(STAYS)
