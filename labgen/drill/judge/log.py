"""The raw log of a drill, one JSON object a line, from which every figure and the verdict can be computed again.

Times are seconds since the drill began, on the controller's monotonic clock; `clock` says how far a node's own may be
off after the translation. Lines need not be in the order of their times.

| event | says |
|---|---|
| begin | lab, drill, paths, timers, who led on which timeline, where the clients are, who watches, the lab's checks |
| write, read | one attempt: id, path, t_start, t_end, result (ok, fail, unknown), server, timeline, error |
| load | a path's client has ended: path, and how many attempts it has made |
| leader | what was seen at t on node by sql, rest or dcs: leads (true, false, null: no answer), timeline, leader; \
how long the answer took; run and look, by which none is missing |
| fault, heal | what was done to which nodes from t_start to t_end; unwatched: targets that cannot be watched \
meanwhile; early: healed before the drill would have |
| whole | since t all members were there and streaming again |
| rows | ids of all rows that the table held in the end |
| check | a check of the lab after healing: name, status, detail |
| clock | node, and the most by which its times may be wrong (error); run: in this run of its observer |
| note | for readers only |
| end | nothing is missing from this log, whose lines before this one have this sha256 |

Format 2 has in each line its number n, and keeps what its first line promises (`promises`). Format 1, of older
versions, has neither `load`, n, took, run, look, unwatched nor a digest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from labgen.blueprint.drills import Drill
from labgen.documents import path_text
from labgen.drill.judge.begin import LogBegin
from labgen.drill.judge.entries import (
    BadEntryError,
    CheckEvent,
    ClientOp,
    ClockEvent,
    FaultEvent,
    Sighting,
    attempt,
    check_event,
    clock_event,
    fault_event,
    number,
    sighting,
    text,
    texts,
    whole_number,
)
from labgen.errors import UsageError
from labgen.reading import open_plain

CURE = "recheck takes the .jsonl file that `labgen drill run` names at its end"
LARGEST = 24 * 1024 * 1024
"""Bytes of a log; a quarter of an hour on four paths, which is the longest that a load lasts, makes 20 MB."""
LONGEST_LINE = 256 * 1024

T = TypeVar("T")


@dataclass(frozen=True)
class Log:
    """A whole log, read.

    fully_replicated: since when all members were streaming again. rows: None while nobody has counted. ended: false for
    a log that was cut off; end: when it was closed. told: path → attempts that its client says it has made. broken: how
    one sees that lines were taken out, put in or changed after they were written.
    """

    begin: LogBegin
    writes: tuple[ClientOp, ...] = ()
    reads: tuple[ClientOp, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    faults: tuple[FaultEvent, ...] = ()
    heals: tuple[FaultEvent, ...] = ()
    fully_replicated: float | None = None
    rows: tuple[str, ...] | None = None
    checks: tuple[CheckEvent, ...] = ()
    clock_events: tuple[ClockEvent, ...] = ()
    told: Mapping[str, int] = field(default_factory=dict)
    ended: bool = False
    end: float = 0.0
    torn: bool = False
    broken: tuple[str, ...] = ()

    @property
    def drill(self) -> Drill:
        return self.begin.drill

    @property
    def sealed(self) -> bool:
        """Whether its format is one that promises that nothing is missing."""
        return self.begin.format > 1

    @property
    def clocks(self) -> Mapping[str, float]:
        """Node → the most by which its times may be wrong."""
        worst: dict[str, float] = {}
        for one in self.clock_events:
            worst[one.node] = max(one.error, worst.get(one.node, 0.0))
        return worst

    @property
    def load_end(self) -> float:
        """When the last attempt had ended."""
        return max((one.end for one in (*self.writes, *self.reads)), default=0.0)

    @property
    def waited(self) -> bool:
        """Whether the faults lasted for as long as the drill wanted: else nobody knows what was still to come."""
        return bool(self.heals) and not self.heals[0].early


def read_log(path: Path) -> Log:
    """The log in the file PATH; raises UsageError naming the line that is none. A torn last line is left out."""
    try:
        with open_plain(path) as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise UsageError(f"a log has {LARGEST // 1024**2} MB at most, this is larger", where=path, cure=CURE)
            return parse_log((line.decode() for line in _bounded(file, path)), path)
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "it is no text"
        raise UsageError(f"the log cannot be read: {reason}", where=path, cure=CURE) from None


def _bounded(file: Any, where: Path) -> Iterator[bytes]:
    """The lines of FILE: only what ends one for JSON too, and none without bounds."""
    read = 0
    while line := file.readline(LONGEST_LINE + 1):
        read += len(line)
        if len(line) > LONGEST_LINE or read > LARGEST:
            raise UsageError("a line, or all of it, is longer than in any drill's log", where=where, cure=CURE)
        yield line


def parse_log(lines: Iterable[str], where: str | Path) -> Log:
    """The log in LINES; raises UsageError with the place of the first line that is none."""
    gathered, torn = _Gathered(), None
    for at, line in enumerate(lines, 1):
        if torn is not None:
            raise _none(where, *torn)
        if not line.strip():
            continue
        try:
            gathered.add(JSON.decode(line), line)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as why:
            if line.endswith("\n"):
                raise _none(where, at, why) from None
            torn = at, why  # whoever wrote it was killed, if this is the last line
    if gathered.begin is None:
        if torn is not None:
            raise _none(where, *torn)
        raise UsageError(
            "the log has no beginning",
            where=where,
            cure=CURE,
        )
    return gathered.log(gathered.begin, torn=torn is not None)


def _none(where: str | Path, at: int, why: Exception) -> UsageError:
    detail = [str(why)] if isinstance(why, BadEntryError) else []
    if isinstance(why, ValidationError):
        first = why.errors(include_input=False)[0]
        detail = [": ".join(filter(None, [path_text(first["loc"]), first["msg"]]))]
    return UsageError("this is no line of a drill's log", where=f"{where}:{at}", detail=detail, cure=CURE)


def _refuse_constant(word: str) -> float:
    raise BadEntryError(f"{word} is no number")


JSON = json.JSONDecoder(parse_constant=_refuse_constant)


@dataclass
class _Gathered:
    begin: LogBegin | None = None
    attempts: dict[str, list[ClientOp]] = field(default_factory=lambda: {"write": [], "read": []})
    events: dict[str, list[FaultEvent]] = field(default_factory=lambda: {"fault": [], "heal": []})
    sightings: list[Sighting] = field(default_factory=list)
    fully_replicated: float | None = None
    rows: list[str] | None = None
    checks: dict[str, CheckEvent] = field(default_factory=dict)
    clocks: list[ClockEvent] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)
    end: float | None = None
    broken: str | None = None
    count: int = 0
    digest: Any = field(default_factory=sha256)

    def add(self, entry: Mapping[str, Any], line: str) -> None:
        event = text(entry, "event")
        if self.end is not None:
            raise BadEntryError("it comes after the end")
        if event == "begin":
            if self.begin is not None:
                raise BadEntryError("two logs in one file")
            self.begin = LogBegin.model_validate_json(line)
        elif self.begin is None:
            raise BadEntryError("it comes before the beginning")
        self._sealed(entry, self.begin.format > 1)
        self._take(event, entry, self.begin.format > 1)
        self.digest.update(line.encode())

    def _sealed(self, entry: Mapping[str, Any], sealed: bool) -> None:
        if not sealed:
            if "n" in entry:
                raise BadEntryError("a numbered line in a log of format 1")
            return
        n = whole_number(entry, "n")
        self.count += 1
        if n != self.count and self.broken is None:
            self.broken = f"line {n} stands where line {self.count} should: lines were taken out, put in or moved"

    def _take(self, event: str, entry: Mapping[str, Any], sealed: bool) -> None:
        match event:
            case "write" | "read":
                self.attempts[event].append(attempt(entry))
            case "fault" | "heal":
                if event == "heal" and self.events["heal"]:
                    raise BadEntryError("it is there twice")
                self.events[event].append(fault_event(entry, sealed))
            case "leader":
                self.sightings.append(sighting(entry, sealed))
            case "whole":
                self.fully_replicated = _once(self.fully_replicated, number(entry, "t"))
            case "rows":
                self.rows = [*(self.rows or ()), *texts(entry, "ids")]
            case "check":
                check = check_event(entry)
                self.checks[check.name] = _once(self.checks.get(check.name), check)
            case "clock":
                self.clocks.append(clock_event(entry))
            case "load":
                path = text(entry, "path")
                self.told[path] = _once(self.told.get(path), whole_number(entry, "attempts", 0))
            case "end":
                self._close(entry, sealed)
            case "begin" | "note":
                pass
            case _:
                raise BadEntryError("an unknown event")

    def _close(self, entry: Mapping[str, Any], sealed: bool) -> None:
        self.end = number(entry, "t") if sealed or "t" in entry else 0.0
        if sealed and text(entry, "sha256") != self.digest.hexdigest() and self.broken is None:
            self.broken = "its digest is of other lines: they were changed after they had been written"

    def log(self, begin: LogBegin, *, torn: bool) -> Log:
        return Log(
            begin=begin,
            writes=_ordered(self.attempts["write"]),
            reads=_ordered(self.attempts["read"]),
            sightings=tuple(sorted(self.sightings, key=lambda seen: seen.time)),
            faults=tuple(sorted(self.events["fault"], key=lambda event: event.start)),
            heals=tuple(sorted(self.events["heal"], key=lambda event: event.start)),
            fully_replicated=self.fully_replicated,
            rows=None if self.rows is None else tuple(self.rows),
            checks=tuple(self.checks.values()),
            clock_events=tuple(self.clocks),
            told=self.told,
            ended=self.end is not None,
            end=self.end or 0.0,
            torn=torn,
            broken=() if self.broken is None else (self.broken,),
        )


def _once(before: T | None, now: T) -> T:
    if before is not None:
        raise BadEntryError("it is there twice")
    return now


def _ordered(attempts: Iterable[ClientOp]) -> tuple[ClientOp, ...]:
    return tuple(sorted(attempts, key=lambda attempt: (attempt.start, attempt.end)))
