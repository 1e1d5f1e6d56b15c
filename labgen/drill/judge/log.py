"""The raw log of a drill: one JSON object a line, from which every figure and the verdict can be computed again.

Times are seconds since the drill began, on the controller's monotonic clock; `clock` says how far a node's own may be
off after the translation. Lines need not be in the order of their times.

| event | says |
|---|---|
| begin | lab, drill, paths, timers, who led on which timeline, where the clients are |
| write, read | one attempt: id, path, t_start, t_end, result (ok, fail, unknown), server, timeline, error |
| leader | what was seen at t on node by sql, rest or dcs: leads (true, false, null: no answer), timeline, leader |
| fault, heal | what was done to which nodes from t_start to t_end; early: healed before the drill would have |
| whole | since t all members were there and streaming again |
| rows | ids of all rows that the table held in the end |
| check | a check of the lab after healing: name, status, detail |
| clock | node, and the most by which its times may be wrong (error) |
| note | for readers only |
| end | nothing is missing from this log |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from labgen.blueprint.drills import Drill
from labgen.checks import Status
from labgen.drill.judge.begin import LogBegin
from labgen.errors import UsageError
from labgen.reading import parse_json, read_text

CURE = "recheck takes the .jsonl file that `labgen drill run` names at its end"
LARGEST = 128 << 20  # bytes; an hour of four paths
EVENTS = ("begin", "write", "read", "leader", "fault", "heal", "whole", "rows", "check", "clock", "note", "end")


class OpResult(StrEnum):
    """What a client knows of its operation; unknown: no answer came in time."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Witness(StrEnum):
    """Who tells who leads: PostgreSQL, Patroni's REST API, or the DCS."""

    SQL = "sql"
    REST = "rest"
    DCS = "dcs"


@dataclass(frozen=True)
class ClientOp:
    """One write (or, on a path for reading, one read)."""

    id: str
    path: str
    start: float
    end: float
    result: OpResult
    server: str | None = None
    timeline: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Sighting:
    """What was seen at TIME: whether NODE leads, or whose name (LEADER) the DCS holds."""

    time: float
    node: str
    by: Witness
    leads: bool | None
    timeline: int | None = None
    leader: str | None = None


@dataclass(frozen=True)
class FaultEvent:
    """A fault or its healing, from before its command until it had ended. EARLY: the drill was interrupted by then."""

    start: float
    end: float
    name: str
    title: str
    targets: tuple[str, ...]
    early: bool = False


@dataclass(frozen=True)
class CheckEvent:
    """The answer of one of the lab's checks after healing."""

    name: str
    status: Status
    detail: str


@dataclass(frozen=True)
class Log:
    """A whole log, read.

    fully_replicated: since when all members were streaming again. rows: None while nobody has counted. ended: false for
    a log that was cut off.
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
    clocks: Mapping[str, float] = field(default_factory=dict)
    ended: bool = False
    torn: bool = False

    @property
    def drill(self) -> Drill:
        return self.begin.drill

    @property
    def waited(self) -> bool:
        """Whether the faults lasted for as long as the drill wanted: else nobody knows what was still to come."""
        return bool(self.heals) and not self.heals[0].early


class LogFile:
    """Writes a log; may be used from several threads. Every line is handed to the system at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def add(self, event: str, **about: Any) -> None:
        line = json.dumps({"event": event, **about}, separators=(",", ":"), ensure_ascii=False)
        with self._lock:
            if not self._file.closed:  # a late answer after the end
                self._file.write(line + "\n")

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read_log(path: Path) -> Log:
    """The log in the file PATH; raises UsageError naming the line that is none. A torn last line is left out."""
    try:
        text = read_text(path, LARGEST)
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "it is no text"
        raise UsageError(f"the log cannot be read: {reason}", where=path, cure=CURE) from None
    return parse_log(text.splitlines(keepends=True), path)


def parse_log(lines: Iterable[str], where: str | Path) -> Log:
    """The log in LINES; raises UsageError with the place of the first line that is none."""
    gathered = _Gathered()
    lines = list(lines)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            gathered.add(parse_json(line))
        except (ValueError, LookupError, TypeError, AttributeError):
            if number == len(lines) and not line.endswith("\n"):
                gathered.torn = True  # whoever wrote it was killed
                break
            raise UsageError(
                "this is no line of a drill's log",
                where=f"{where}:{number}",
                cure=CURE,
            ) from None
    if gathered.begin is None:
        raise UsageError(
            "the log has no beginning",
            where=where,
            cure=CURE,
        )
    return gathered.log(gathered.begin)


@dataclass
class _Gathered:
    begin: LogBegin | None = None
    attempts: dict[str, list[ClientOp]] = field(default_factory=lambda: {"write": [], "read": []})
    events: dict[str, list[FaultEvent]] = field(default_factory=lambda: {"fault": [], "heal": []})
    sightings: list[Sighting] = field(default_factory=list)
    fully_replicated: float | None = None
    rows: list[str] | None = None
    checks: list[CheckEvent] = field(default_factory=list)
    clocks: dict[str, float] = field(default_factory=dict)
    ended: bool = False
    torn: bool = False

    def add(self, entry: Mapping[str, Any]) -> None:
        event = entry["event"]
        if event == "begin":
            if self.begin is not None:
                raise ValueError("two logs in one file")
            self.begin = LogBegin.model_validate_json(json.dumps(entry))
        elif event in self.attempts:
            self.attempts[event].append(_attempt(entry))
        elif event in self.events:
            self.events[event].append(_fault_event(entry))
        elif event == "leader":
            self.sightings.append(_sighting(entry))
        elif event == "whole":
            self.fully_replicated = float(entry["t"])
        elif event == "rows":
            self.rows = [*(self.rows or ()), *(str(one) for one in entry["ids"])]
        elif event == "check":
            self.checks.append(CheckEvent(str(entry["name"]), Status(entry["status"]), str(entry["detail"])))
        elif event == "clock":
            node, error = str(entry["node"]), float(entry["error"])
            self.clocks[node] = max(error, self.clocks.get(node, 0.0))
        elif event == "end":
            self.ended = True
        elif event not in EVENTS:
            raise ValueError("an unknown event")

    def log(self, begin: LogBegin) -> Log:
        return Log(
            begin=begin,
            writes=_ordered(self.attempts["write"]),
            reads=_ordered(self.attempts["read"]),
            sightings=tuple(sorted(self.sightings, key=lambda seen: seen.time)),
            faults=tuple(sorted(self.events["fault"], key=lambda event: event.start)),
            heals=tuple(sorted(self.events["heal"], key=lambda event: event.start)),
            fully_replicated=self.fully_replicated,
            rows=None if self.rows is None else tuple(self.rows),
            checks=tuple(self.checks),
            clocks=self.clocks,
            ended=self.ended,
            torn=self.torn,
        )


def _ordered(attempts: Iterable[ClientOp]) -> tuple[ClientOp, ...]:
    return tuple(sorted(attempts, key=lambda attempt: (attempt.start, attempt.end)))


def _attempt(entry: Mapping[str, Any]) -> ClientOp:
    start, end = float(entry["t_start"]), float(entry["t_end"])
    if end < start:
        raise ValueError("it ends before it starts")
    timeline = entry.get("timeline")
    return ClientOp(
        str(entry["id"]),
        str(entry["path"]),
        start,
        end,
        OpResult(entry["result"]),
        entry.get("server"),
        None if timeline is None else int(timeline),
        entry.get("error"),
    )


def _sighting(entry: Mapping[str, Any]) -> Sighting:
    return Sighting(
        float(entry["t"]),
        str(entry["node"]),
        Witness(entry["by"]),
        entry["leads"],
        entry.get("timeline"),
        entry.get("leader"),
    )


def _fault_event(entry: Mapping[str, Any]) -> FaultEvent:
    targets = tuple(str(name) for name in entry["targets"])
    start, end = float(entry["t_start"]), float(entry["t_end"])
    return FaultEvent(start, end, str(entry["name"]), str(entry["title"]), targets, early=bool(entry.get("early")))


def acknowledged(attempts: Iterable[ClientOp], path: str | None = None) -> Iterator[ClientOp]:
    """Those of ATTEMPTS (on PATH) that were answered with a yes."""
    return (one for one in attempts if one.result is OpResult.OK and path in (None, one.path))
