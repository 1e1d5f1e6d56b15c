"""Waiting for what runs side by side."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue

import pytest

from labgen.system.parallel import take


class Asked:
    """A queue that has nothing for the first two who ask, and notes for how long each would have waited."""

    def __init__(self) -> None:
        self.waits: list[float | None] = []

    def get(self, timeout: float | None = None) -> str:
        self.waits.append(timeout)
        if len(self.waits) < 3:
            raise Empty
        return "there"


def test_no_wait_goes_on_for_ever() -> None:
    """Python's own would not end for a signal that came just before it began."""
    asked = Asked()
    assert take(asked) == "there"  # type: ignore[arg-type]
    assert len(asked.waits) == 3
    assert all(wait is not None and wait <= 1 for wait in asked.waits)


def test_a_wait_with_an_end_has_that_end() -> None:
    ends: SimpleQueue[str] = SimpleQueue()
    with pytest.raises(Empty):
        take(ends, 0.01)
    threading.Timer(0.05, ends.put, ["late"]).start()
    assert take(ends, 5) == "late"
