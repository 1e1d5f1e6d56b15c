"""Waiting: when it looks, when it gives up, and what is said then."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from labgen.errors import NodeError
from labgen.system.waiting import FOREVER, WaitTimeout, last_look, wait_until


class Clock:
    """Time that passes only where something is waited for, or takes long by itself."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def after(looks: int, value: object = "it") -> Callable[[], object]:
    """Something that is there at the LOOKS-th look."""
    count = iter(range(1, 1000))
    return lambda: value if next(count) >= looks else None


def test_what_is_there_is_not_waited_for(clock: Clock) -> None:
    assert wait_until("it", after(1), 0, poll=1, pause=clock.sleep, clock=clock) == "it"
    assert clock.pauses == []


def test_it_looks_once_in_a_while(clock: Clock) -> None:
    assert wait_until("it", after(4), FOREVER, poll=0.5, pause=clock.sleep, clock=clock) == "it"
    assert clock.pauses == [0.5, 0.5, 0.5]


def test_the_last_look_is_at_the_end(clock: Clock) -> None:
    with pytest.raises(WaitTimeout, match="after 5 seconds there is still no leader") as caught:
        wait_until("leader", lambda: False, 5, poll=2, pause=clock.sleep, clock=clock)
    assert clock.pauses == [2, 2, 1]
    assert caught.value.why is None
    assert wait_until("leader", after(4), 5, poll=2, pause=clock.sleep, clock=clock)


def test_a_look_that_takes_long_is_the_last(clock: Clock) -> None:
    def look() -> bool:
        clock.now += 10
        return False

    with pytest.raises(WaitTimeout):
        wait_until("it", look, 5, poll=2, pause=clock.sleep, clock=clock)
    assert clock.pauses == []


def test_errors_that_are_forgiven_are_told_at_the_end(clock: Clock) -> None:
    def look() -> bool:
        raise NodeError("it is silent")

    with pytest.raises(WaitTimeout) as caught:
        wait_until("answer", look, 1, poll=1, forgive=NodeError, pause=clock.sleep, clock=clock)
    assert isinstance(caught.value.why, NodeError)
    with pytest.raises(NodeError):
        wait_until("answer", look, 1, poll=1, pause=clock.sleep, clock=clock)


def test_an_error_that_has_passed_is_not_told(clock: Clock) -> None:
    answers = iter([NodeError("it is silent"), None, None])

    def look() -> None:
        if error := next(answers):
            raise error

    with pytest.raises(WaitTimeout) as caught:
        wait_until("answer", look, 2, poll=1, forgive=NodeError, pause=clock.sleep, clock=clock)
    assert caught.value.why is None


def test_every_look_in_vain_is_told(clock: Clock) -> None:
    told: list[float] = []
    wait_until("it", after(3), 60, poll=0.25, on_tick=told.append, pause=clock.sleep, clock=clock)
    assert told == [0, 0.25]

    def enough(_gone: float) -> None:
        raise NodeError("the load is over")

    with pytest.raises(NodeError):
        wait_until("it", lambda: None, FOREVER, poll=1, on_tick=enough, pause=clock.sleep, clock=clock)


def test_pauses_may_grow(clock: Clock) -> None:
    growing = iter([0.1, 0.2, 0.4])
    wait_until("it", after(4), 60, poll=lambda: next(growing), pause=clock.sleep, clock=clock)
    assert clock.pauses == [0.1, 0.2, 0.4]


def test_another_thread_may_end_a_pause() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    assert wait_until("end", stop.is_set, 10, poll=10, pause=stop.wait)


def test_the_last_look_is_given_whether_it_is_enough_or_not(clock: Clock) -> None:
    values = iter(range(100))
    told: list[int] = []
    found = last_look(
        lambda: next(values), lambda it: it == 2, 60, poll=1, on_tick=told.append, pause=clock.sleep, clock=clock
    )
    assert (found, told, clock.pauses) == (2, [0, 1], [1, 1])
    found = last_look(lambda: next(values), lambda _: False, 2.5, poll=1, pause=clock.sleep, clock=clock)
    assert found == 6
    assert last_look(lambda: 0, lambda it: it == 0, 0, poll=1) == 0
