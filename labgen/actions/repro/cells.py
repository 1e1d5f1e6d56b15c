"""The cells of a matrix, each run by a labgen of its own, whose event lines say how far it is and what came of it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from typing import Any

from labgen.actions.phases.preflight import Preflight
from labgen.actions.repro.run import ReproRequest
from labgen.providers.process import Ended, Overdue, Program, Stopped
from labgen.repro.document import Written
from labgen.repro.judge import ReproVerdict
from labgen.repro.matrix import IMPOSSIBLE, Cell, CellResult

LONGEST = 4 * 3600.0
"""Seconds that one cell may take, its images included."""
ENDING = ((SIGINT, 120.0), (SIGTERM, 30.0), (SIGKILL, 5.0))
"""How a cell is ended: the signal, and the seconds it then has. It heals and removes its lab meanwhile."""
IS_USAGE = 2

Say = Callable[[Cell, str], None]


@dataclass
class CellEvents:
    """The event lines of one labgen as they come, in pieces.

    entered: called when its lab has an address range that no other one will be given. say: told what it is doing.
    """

    entered: Callable[[], None]
    say: Callable[[str], None]
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    _rest: bytes = field(default=b"", repr=False)

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            # What a plug-in prints is no event.
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                self._hear(json.loads(line))

    def _hear(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "phase":
                self.say(event["title"])
            case "phase-end" if event["name"] == Preflight.name:
                self.entered()
            case "note":
                self.say(event["text"])
            case "step":
                self.say(f"{event['node']} {event['component']} {event['stage']} {event['state']}")
            case "check":
                self.say(f"{event['name']}: {event['status']}")
            case "result" if {"verdict", "reasons"} <= event["result"].keys():
                self.result = event["result"]
            case "error":
                self.error = event

    def reasons(self, rc: int) -> tuple[str, ...]:
        """Why there is no result of a labgen that ended with the exit code RC."""
        if self.error is None:
            return (f"exit code {rc}",)
        where = self.error.get("where")
        return (str(self.error["what"]), *([f"where: {where}"] if where else []), *self.error.get("detail", ()))


class CellRunner:
    """Runs cells, each in a labgen of its own, which is ended with this one."""

    def __init__(
        self, written: Written, options: ReproRequest, folder: Path, keep: bool, repeat: int | None, say: Say
    ) -> None:
        self._written, self._options, self._folder = written, options, folder
        self._keep, self._repeat, self._say = keep, repeat, say
        self._gate = threading.Semaphore()
        self._programs: list[Program] = []
        self._stopped = False

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Whatever happens meanwhile, no cell runs any more afterwards."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._stopped = True
        for program in self._programs:
            program.stop()

    def each(self, cells: Sequence[Cell], jobs: int) -> Iterator[CellResult]:
        """The results of CELLS as they come, JOBS of them at a time."""
        if jobs == 1:
            yield from map(self.run, cells)
            return
        with ThreadPoolExecutor(jobs) as pool:
            left = {pool.submit(self.run, cell) for cell in cells}
            try:
                while left:
                    done, left = wait(left, return_when=FIRST_COMPLETED)
                    for it in done:
                        yield it.result()
            except BaseException:
                for it in left:
                    it.cancel()
                self.stop()
                raise

    def run(self, cell: Cell) -> CellResult:
        """Make the cell's lab, play the reproduction there, and remove it."""
        began = time.monotonic()
        with self._entering() as entered:
            events = CellEvents(entered, lambda text: self._say(cell, text))
            try:
                ended = self._run(cell, events)
            except Overdue:
                return CellResult(cell, ReproVerdict.UNKNOWN, LONGEST, (f"it has not ended within {LONGEST:.0f} s",))
            except Stopped:
                seconds = round(time.monotonic() - began, 1)
                return CellResult(cell, ReproVerdict.UNKNOWN, seconds, ("it was interrupted",))
        seconds, result = round(time.monotonic() - began, 1), events.result
        if result is not None:
            return CellResult(cell, result["verdict"], seconds, tuple(result["reasons"]), result)
        status = IMPOSSIBLE if ended.rc == IS_USAGE else ReproVerdict.UNKNOWN
        return CellResult(cell, status, seconds, (*events.reasons(ended.rc), f"all it said: {self._log(cell)}"))

    def _run(self, cell: Cell, events: CellEvents) -> Ended:
        """The labgen of CELL, to its end; raises Overdue or Stopped. What it tells people is in its log."""
        with self._log(cell).open("wb", buffering=0) as log, self._events(cell).open("wb", buffering=0) as kept:

            def say(data: bytes) -> None:
                log.write(data)

            def tell(data: bytes) -> None:
                kept.write(data)
                events.take(data)

            program = Program(
                self._words(cell),
                cwd=Path.cwd(),
                env=dict(os.environ),
                on_output=say,
                on_stdout=tell,
                endings=ENDING,
            )
            self._programs.append(program)
            try:
                if self._stopped:
                    program.stop()
                return program.wait(LONGEST)
            finally:
                self._programs.remove(program)

    def _log(self, cell: Cell) -> Path:
        return self._folder / f"{cell.lab}.log"

    def _events(self, cell: Cell) -> Path:
        return self._folder / f"{cell.lab}.events.jsonl"

    def _words(self, cell: Cell) -> list[str]:
        options = self._options
        words = [sys.executable, "-m", "labgen", "repro", "run", str(self._written.path), "--name", cell.lab]
        words += ["--events", "--keep" if self._keep else "--destroy"]
        for option, value in (("--provider", options.provider), ("--profile", options.profile)):
            words += [option, value] if value else []
        words += ["--repeat", str(self._repeat)] if self._repeat else []
        for option, values in (
            ("--set", (*options.overrides, *cell.words)),
            ("--overrides", tuple(map(str, options.files))),
            ("--components", tuple(map(str, options.components))),
        ):
            for each in values:
                words += [option, each]
        return words

    @contextmanager
    def _entering(self) -> Iterator[Callable[[], None]]:
        """One cell at a time looks for a range of addresses that is free; called when it has one."""
        self._gate.acquire()
        inside = [True]

        def leave() -> None:
            if inside:
                inside.clear()
                self._gate.release()

        try:
            yield leave
        finally:
            leave()
