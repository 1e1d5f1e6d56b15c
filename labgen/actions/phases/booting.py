"""A boot that goes on beside other things: Vagrant in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labgen.system.parallel import WAKE


class Booting:
    """Runs BOOT at once. INTERRUPT ends what it runs, from another thread, and says whether there was anything."""

    def __init__(self, boot: Callable[[], None], interrupt: Callable[[], bool]) -> None:
        self._boot = boot
        self._interrupt = interrupt
        self._error: BaseException | None = None
        # Not `Thread.join`: in Python 3.11, Ctrl-C meanwhile has the thread count as ended.
        self._ended = threading.Event()
        threading.Thread(target=self._run, name="boot", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    def check(self) -> None:
        """Raise what the boot failed with, if it has ended so."""
        if self.over and self._error is not None:
            raise self._error

    def wait(self) -> None:
        """Wait for its end, good or bad."""
        while not self._ended.wait(WAKE):  # a wait without an end may not hear Ctrl-C
            pass

    def end(self) -> None:
        """End it, unless it has ended. Ctrl-C meanwhile: whoever presses it again does not want to wait."""
        asked = False
        while not self.over:
            try:
                asked = asked or self._interrupt()
                self._ended.wait(0.1)
            except KeyboardInterrupt:
                asked = False

    def _run(self) -> None:
        try:
            self._boot()
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()
