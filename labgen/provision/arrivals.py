"""Nodes that come up one after the other: each is taken in as soon as it is there, all at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable

from labgen.errors import LabgenError, NodeError

OFTEN = 0.1
"""Seconds between two looks for nodes, at least; and four times as long as the look itself takes."""

GRACE = 2.0
"""Seconds that the others get after the first error, to be told together."""


class NodeReadiness:
    """Nodes on their way. It goes on only while `missing` is called, from one thread."""

    def __init__(
        self,
        nodes: Iterable[str],
        find: Callable[[Collection[str]], Collection[str]],
        take_in: Callable[[str], None],
    ) -> None:
        """FIND says which of the nodes that it is given run by now; TAKE_IN makes one ready, in a thread of its own."""
        self._find = find
        self._take_in = take_in
        self._absent = set(nodes)
        self._missing = set(nodes)
        self._errors: dict[str, BaseException] = {}
        self._next = 0.0
        self._give_up = 0.0

    def missing(self) -> Collection[str]:
        """The nodes that are not taken in yet; raises what FIND and TAKE_IN raise."""
        if self._absent and time.monotonic() >= self._next:
            began = time.monotonic()
            for node in self._find(frozenset(self._absent)):
                self._absent.discard(node)
                threading.Thread(target=self._work, args=(node,), name=f"take in {node}", daemon=True).start()
            self._next = time.monotonic() + max(OFTEN, 4 * (time.monotonic() - began))
        if self._errors and (self._missing <= self._errors.keys() or time.monotonic() > self._give_up):
            raise _together(dict(self._errors))
        return frozenset(self._missing)

    def _work(self, node: str) -> None:
        try:
            self._take_in(node)
        except BaseException as error:
            if not self._errors:
                self._give_up = time.monotonic() + GRACE
            self._errors[node] = error
        else:
            self._missing.discard(node)


def _together(errors: dict[str, BaseException]) -> BaseException:
    """The only error, or one that names all."""
    known = {node: error for node, error in sorted(errors.items()) if isinstance(error, LabgenError)}
    if len(errors) == 1 or len(known) < len(errors):
        return next(error for error in errors.values() if len(errors) == 1 or not isinstance(error, LabgenError))
    return NodeError(
        f"{len(known)} nodes cannot be used",
        detail=[error.what for error in known.values()],
        cure=next(error.cure for error in known.values()),
    )
