"""The load of one drill, watched: it warms up before the faults, and goes on a little after all is well again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from labgen.drill.judge.entries import Witness
from labgen.drill.judge.watch import BEFORE
from labgen.drill.run.streams import Load, LoadPath, Seen
from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.system.waiting import WaitTimeout, wait_until

WARM_UP = BEFORE
"""Seconds of load, watched by everybody, before the first fault."""
WARM_WITHIN = 30.0
COOL_DOWN = 3.0
"""Seconds of load after all is whole again."""
COOL_WITHIN = 60.0
NEVER = -math.inf
POLL = 0.25
"""Seconds between two looks at what the load has told."""


@dataclass(frozen=True)
class LoadWatch:
    """The LOAD on PATHS, and what has been SEEN of it up to now."""

    lab: Lab
    load: Load
    paths: Sequence[LoadPath]
    seen: Seen
    progress: Callable[[str], None]

    def check(self) -> None:
        """Raise OperationError if the load is over though nobody has stopped it."""
        self.load.check()
        if self.seen.ended is not None:
            raise OperationError(f"the load has ended before its time: {self.seen.ended}", where=self.lab.name)

    def warm_up(self) -> None:
        """Until every path has answered, and every member was watched, for WARM_UP seconds.

        Raises OperationError if one does not, or is not.
        """
        self.progress("load through " + ", ".join(path.name for path in self.paths))
        first: dict[str, float] = {}
        first_look: dict[str, float] = {}

        def warm() -> bool:
            for path in self.paths:
                if path.name in self.seen.ok:
                    first.setdefault(path.name, time.monotonic())
            for node in self._watched():
                first_look.setdefault(node, time.monotonic())
            all_there = len(first) == len(self.paths) and len(first_look) == len(self.lab.member_nodes)
            return all_there and time.monotonic() - max(*first.values(), *first_look.values()) >= WARM_UP

        try:
            wait_until("load on every path", warm, WARM_WITHIN, poll=POLL, on_tick=lambda _: self.check())
        except WaitTimeout:
            raise self._cold([path.name for path in self.paths if path.name not in first]) from None

    def _cold(self, silent: Sequence[str]) -> OperationError:
        what = "without any fault there are paths through which nothing is acknowledged: " + ", ".join(silent)
        if not silent:
            blind = [node.name for node in self.lab.member_nodes if node.name not in self._watched()]
            slow = f"clients and observers did not get going within {WARM_WITHIN:.0f} s"
            what = "nobody tells who leads on: " + ", ".join(blind) if blind else slow
        cure = f"labgen verify {self.lab.name} -v shows what is wrong"
        return OperationError(what, where=self.lab.name, cure=cure)

    def _watched(self, before: Mapping[str, Mapping[str, float]] | None = None) -> list[str]:
        """The members of which every witness has told something, since it told what is in BEFORE."""
        seen, old = self.seen.watched, before or {}
        return [
            node.name
            for node in self.lab.member_nodes
            if all(seen.get(node.name, {}).get(by, NEVER) > old.get(node.name, {}).get(by, NEVER) for by in Witness)
        ]

    def cool_down(self) -> None:
        """COOL_DOWN seconds more, and longer while a path has not come back or a member is not watched again."""
        before, began = dict(self.seen.ok), time.monotonic()
        looked = {node: dict(by) for node, by in list(self.seen.watched.items())}

        def back() -> bool:
            self.check()
            answered = (self.seen.ok.get(path.name, 0.0) > before.get(path.name, 0.0) for path in self.paths)
            watched = len(self._watched(looked)) == len(self.lab.member_nodes)
            return time.monotonic() - began >= COOL_DOWN and all(answered) and watched

        # What has not come back by then is in the figures.
        with suppress(WaitTimeout):
            wait_until("answer on every path", back, COOL_WITHIN, poll=POLL, on_tick=self._say_cool_down)

    def _say_cool_down(self, _gone: float) -> None:
        self.progress("a little more load, with everything healed")
