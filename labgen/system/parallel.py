"""Runs one function for many keys at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import TypeVar

from labgen.errors import LabgenError

K = TypeVar("K")
V = TypeVar("V")


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
        key, result, error = ends.get()
        if isinstance(error, LabgenError):
            errors[key] = error
        elif error is not None:
            raise error
        else:
            results[key] = result  # type: ignore[assignment]
    return results, errors
