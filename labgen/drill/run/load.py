"""The load of one drill, watched: it warms up before the faults, and goes on a little after all is well again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from labgen.drill.run.streams import Load, LoadPath, Seen
from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.system.waiting import WaitTimeout, wait_until

WARM_UP = 3.0
"""Seconds of load before the first fault."""
WARM_WITHIN = 30.0
COOL_DOWN = 3.0
"""Seconds of load after all is whole again."""
COOL_WITHIN = 60.0
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
        """Until every path has answered for WARM_UP seconds; raises OperationError if one does not."""
        self.progress("load through " + ", ".join(path.name for path in self.paths))
        first: dict[str, float] = {}

        def warm() -> bool:
            for path in self.paths:
                if path.name in self.seen.ok:
                    first.setdefault(path.name, time.monotonic())
            return len(first) == len(self.paths) and time.monotonic() - max(first.values()) >= WARM_UP

        try:
            wait_until("load on every path", warm, WARM_WITHIN, poll=POLL, on_tick=lambda _: self.check())
        except WaitTimeout:
            silent = [path.name for path in self.paths if path.name not in first]
            raise OperationError(
                "without any fault there are paths through which nothing is acknowledged: " + ", ".join(silent),
                where=self.lab.name,
                cure=f"labgen verify {self.lab.name} -v shows what is wrong",
            ) from None

    def cool_down(self) -> None:
        """COOL_DOWN seconds more, and longer while a path has not come back."""
        before, began = dict(self.seen.ok), time.monotonic()

        def back() -> bool:
            self.check()
            answered = (self.seen.ok.get(path.name, 0.0) > before.get(path.name, 0.0) for path in self.paths)
            return time.monotonic() - began >= COOL_DOWN and all(answered)

        # What has not come back by then is in the figures.
        with suppress(WaitTimeout):
            wait_until("answer on every path", back, COOL_WITHIN, poll=POLL, on_tick=self._say_cool_down)

    def _say_cool_down(self, _gone: float) -> None:
        self.progress("a little more load, with everything healed")
