"""What single lines of a drill's log say, read strictly: a value of the wrong kind is no line at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from sys import intern
from typing import Any

from labgen.checks import Status

EARLIEST = -2.0
"""Seconds: the earliest time in a log, whose clocks may be off by that much."""


class BadEntryError(ValueError):
    """A line that is none, and why."""


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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen at TIME: whether NODE leads, or whose name (LEADER) the DCS holds.

    took: seconds from question to answer. run, look: the look's number, from 1, in this run of the node's observer,
    each kind of witness for itself. None in logs of format 1.
    """

    time: float
    node: str
    by: Witness
    leads: bool | None
    timeline: int | None = None
    leader: str | None = None
    took: float | None = None
    run: int | None = None
    look: int | None = None


@dataclass(frozen=True)
class FaultEvent:
    """A fault or its healing, from before its command until it had ended. EARLY: the drill was interrupted by then.

    unwatched: the targets that nobody can watch before they are healed. None in logs of format 1.
    """

    start: float
    end: float
    name: str
    title: str
    targets: tuple[str, ...]
    early: bool = False
    unwatched: tuple[str, ...] | None = None


@dataclass(frozen=True)
class CheckEvent:
    """The answer of one of the lab's checks after healing."""

    name: str
    status: Status
    detail: str


@dataclass(frozen=True)
class ClockEvent:
    """NODE's clock was compared, and may be wrong by ERROR seconds; RUN: for this run of its observer."""

    node: str
    error: float
    run: int | None = None


def number(entry: Mapping[str, Any], key: str, least: float = EARLIEST) -> float:
    """A finite number that is LEAST at least."""
    value = entry[key]
    if type(value) not in (int, float) or not math.isfinite(value) or value < least:
        raise BadEntryError(f"{key} is no time or not in its range")
    return float(value)


def whole_number(entry: Mapping[str, Any], key: str, least: int = 1) -> int:
    value = entry[key]
    if type(value) is not int or value < least:
        raise BadEntryError(f"{key} is no whole number from {least} on")
    return value


def text(entry: Mapping[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise BadEntryError(f"{key} is no text")
    return intern(value)


def texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = entry[key]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadEntryError(f"{key} is no list of texts")
    return tuple(values)


def attempt(entry: Mapping[str, Any]) -> ClientOp:
    start, end = _span(entry)
    return ClientOp(
        text(entry, "id"),
        text(entry, "path"),
        start,
        end,
        OpResult(text(entry, "result")),
        _maybe_text(entry, "server"),
        _maybe_number(entry, "timeline"),
        _maybe_text(entry, "error"),
    )


def sighting(entry: Mapping[str, Any], sealed: bool) -> Sighting:
    """SEALED: whether the log is of a format whose sightings are numbered."""
    leads = entry["leads"]
    if leads is not None and not isinstance(leads, bool):
        raise BadEntryError("leads is neither true, false nor null")
    seen = Sighting(
        number(entry, "t"),
        text(entry, "node"),
        Witness(text(entry, "by")),
        leads,
        _maybe_number(entry, "timeline"),
        _maybe_text(entry, "leader"),
        number(entry, "took", 0) if sealed else None,
        whole_number(entry, "run") if sealed else None,
        whole_number(entry, "look") if sealed else None,
    )
    if seen.by is Witness.SQL and sealed and seen.leads and seen.timeline is None:
        raise BadEntryError("it leads without a timeline")
    if (seen.by is not Witness.SQL and seen.timeline is not None) or (seen.by is not Witness.DCS and seen.leader):
        raise BadEntryError(f"{seen.by} does not know that")
    if seen.by is Witness.DCS and seen.leads is not None:
        raise BadEntryError("the DCS does not know whether a node leads")
    return seen


def fault_event(entry: Mapping[str, Any], sealed: bool) -> FaultEvent:
    start, end = _span(entry)
    is_fault = entry["event"] == "fault"
    early = entry["early"] if sealed and not is_fault else entry.get("early", False)
    if not isinstance(early, bool):
        raise BadEntryError("early is neither true nor false")
    targets = texts(entry, "targets")
    unwatched = texts(entry, "unwatched") if sealed and is_fault else None
    if (is_fault and not targets) or len(set(targets)) < len(targets):
        raise BadEntryError("no target, or one twice")
    if unwatched and not (set(unwatched) <= set(targets) and len(set(unwatched)) == len(unwatched)):
        raise BadEntryError("unwatched may be targets only, each once")
    return FaultEvent(start, end, text(entry, "name"), text(entry, "title"), targets, early, unwatched)


def check_event(entry: Mapping[str, Any]) -> CheckEvent:
    return CheckEvent(text(entry, "name"), Status(text(entry, "status")), text(entry, "detail"))


def clock_event(entry: Mapping[str, Any]) -> ClockEvent:
    run = whole_number(entry, "run") if entry.get("run") is not None else None
    return ClockEvent(text(entry, "node"), number(entry, "error", 0), run)


def _span(entry: Mapping[str, Any]) -> tuple[float, float]:
    start, end = number(entry, "t_start"), number(entry, "t_end")
    if end < start:
        raise BadEntryError("it ends before it starts")
    return start, end


def _maybe_text(entry: Mapping[str, Any], key: str) -> str | None:
    return None if entry.get(key) is None else text(entry, key)


def _maybe_number(entry: Mapping[str, Any], key: str) -> int | None:
    # A standby without a WAL receiver has timeline null; 0 is what PostgreSQL says before its first.
    return None if entry.get(key) is None else whole_number(entry, key, 0)


def acknowledged(attempts: Iterable[ClientOp], path: str | None = None) -> Iterator[ClientOp]:
    """Those of ATTEMPTS (on PATH) that were answered with a yes."""
    return (one for one in attempts if one.result is OpResult.OK and path in (None, one.path))
