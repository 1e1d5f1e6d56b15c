"""Waiting for something: the one loop that looks, pauses, and gives up in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from labgen.errors import LabgenError

T = TypeVar("T")

FOREVER = float("inf")


class WaitTimeout(LabgenError):
    """What was waited for has not come. why: what the last look failed with, if it did."""

    def __init__(self, what: str, within: float, why: BaseException | None = None) -> None:
        super().__init__(f"after {within:.0f} seconds there is still no {what}")
        self.why = why


def wait_until(
    what: str,
    look: Callable[[], T | None],
    within: float,
    *,
    poll: float | Callable[[], float],
    forgive: type[Exception] | tuple[type[Exception], ...] = (),
    on_tick: Callable[[float], object] | None = None,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What LOOK gives, as soon as it is something true; it is looked at once at least, and a last time at the end.

    within: seconds, or FOREVER. poll: seconds between two looks. forgive: errors of LOOK that count as nothing yet.
    on_tick: told the seconds gone after each look in vain; what it raises ends the wait. pause: how to sleep, for
    example an event's `wait`.

    Raises WaitTimeout with WHAT, a noun in words, if it has not come in time.
    """
    began = clock()
    while True:
        why: Exception | None = None
        try:
            if found := look():
                return found
        except forgive as error:
            why = error
        gone = clock() - began
        if on_tick is not None:
            on_tick(gone)
        if gone >= within:
            raise WaitTimeout(what, within, why)
        pause(max(min(poll() if callable(poll) else poll, within - gone), 0.0))


def last_look(
    look: Callable[[], T],
    enough: Callable[[T], bool],
    within: float,
    *,
    poll: float,
    on_tick: Callable[[T], object] | None = None,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What LOOK gave last: as soon as it was ENOUGH, else when WITHIN seconds were over. The rest as in wait_until.

    on_tick: told what is not enough yet.
    """
    seen: list[T] = []

    def looked() -> bool:
        seen[:] = [look()]
        return enough(seen[0])

    def told(_gone: float) -> None:
        if on_tick is not None:
            on_tick(seen[0])

    with suppress(WaitTimeout):
        wait_until("", looked, within, poll=poll, on_tick=told, pause=pause, clock=clock)
    return seen[0]
