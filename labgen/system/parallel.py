"""Runs one function for many keys at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from labgen.errors import LabgenError

K = TypeVar("K")
V = TypeVar("V")

WAKE = 0.5
"""Seconds after which a wait is begun anew."""


def take(ends: SimpleQueue[V], timeout: float | None = None) -> V:
    """The next of ENDS; raises Empty after TIMEOUT seconds.

    Ctrl-C that comes just before a wait begins is not seen until it is over, so none goes on for ever.
    """
    while timeout is None:
        with suppress(Empty):
            return ends.get(timeout=WAKE)
    return ends.get(timeout=timeout)


def in_parallel(work: Callable[[K], V], keys: Iterable[K]) -> tuple[dict[K, V], dict[K, LabgenError]]:
    """Call WORK for every key, each in a thread; the results, and the errors of those that failed.

    Ctrl-C returns to the caller at once: the threads are daemons, so that none of them can hold the program up.
    """
    ends: SimpleQueue[tuple[K, V | None, BaseException | None]] = SimpleQueue()

    def run(key: K) -> None:
        try:
            ends.put((key, work(key), None))
        except BaseException as error:
            ends.put((key, None, error))

    todo = list(keys)
    for key in todo:
        threading.Thread(target=run, args=(key,), daemon=True).start()
    results: dict[K, V] = {}
    errors: dict[K, LabgenError] = {}
    for _ in todo:
        key, result, error = take(ends)
        if isinstance(error, LabgenError):
            errors[key] = error
        elif error is not None:
            raise error
        else:
            results[key] = result  # type: ignore[assignment]
    return results, errors
