"""How a node's clock differs from one of this machine."""

from __future__ import annotations

from collections.abc import Callable


def compared(told: Callable[[], float], here: Callable[[], float], probes: int = 5) -> tuple[float, float]:
    """What to add to the clock that TOLD asks to get the one that HERE reads, and how far that may be off, in seconds.

    Each probe is answered at some time between question and answer: the quickest one leaves the least doubt.
    """
    best = (0.0, float("inf"))
    for _ in range(probes):
        asked = here()
        there = told()
        answered = here()
        if (error := (answered - asked) / 2) < best[1]:
            best = ((asked + answered) / 2 - there, error)
    return best
