"""What stands in a node's logs, entry by entry: its journal as journald exports it, and log files that programs keep.

A program's lines are told apart by the process that wrote them: PostgreSQL's go into Patroni's journal, since Patroni
starts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from labgen.reading import parse_json

POSTGRESQL, PATRONI, OTHER = "postgresql", "patroni", ""
FIELDS = ("MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "_SYSTEMD_UNIT")
"""What journald is asked for, besides the times and the boot, which it always tells."""

# PostgreSQL's own lines, whichever process journald takes them for: two spaces follow the level.
_POSTGRESQL_LINE = re.compile(
    r"\b(LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|NOTICE|INFO|DEBUG[1-5]?):  "
)
_STAMP = re.compile(
    r'(?:\{"timestamp":")?'
    r"(?P<date>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,9}))?"
    r"(?: ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?|(?!INFO|LOG|WARN|ERROR|FATAL|DEBUG)[A-Z]{3,5}(?=[\s\",]|$)))?"
)
_UTC = ("Z", "UTC", "GMT", "UCT")


@dataclass(frozen=True)
class Entry:
    """One entry of a log. at: seconds since the epoch, by the node's clock. process: as in `patroni[812]`.

    source: POSTGRESQL, PATRONI or OTHER. boot, running: journald's word for the boot, and seconds since it began.
    """

    at: float
    node: str
    process: str
    text: str
    source: str = OTHER
    boot: str = ""
    running: float = 0.0


@dataclass(frozen=True)
class StepRecord:
    """A clock that was set while it ran: when (by the clock, after it), and by how many seconds."""

    at: float
    by: float


def read_journal(lines: Iterable[str], node: str) -> list[Entry]:
    """The entries of `journalctl --output=json`; a line that is cut off is left out."""
    return [entry for line in lines if (entry := _entry(line, node))]


def _entry(line: str, node: str) -> Entry | None:
    try:
        data = parse_json(line)
        at = int(data["__REALTIME_TIMESTAMP"]) / 1e6
        running = int(data.get("__MONOTONIC_TIMESTAMP") or 0) / 1e6
    except (ValueError, KeyError, TypeError):
        return None
    name = _text(data.get("_COMM")) or _text(data.get("SYSLOG_IDENTIFIER")) or "?"
    number = _text(data.get("_PID"))
    text = _text(data.get("MESSAGE")).rstrip("\n")
    process = f"{name}[{number}]" if number else name
    return Entry(at, node, process, text, _source(name, data, text), _text(data.get("_BOOT_ID")), running)


def _text(value: Any) -> str:
    """A field of the journal: a word, numbers of bytes where it is no text, or a list of these where it came twice."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(part, int) and 0 <= part < 256 for part in value):
            return bytes(value).decode(errors="replace")
        return "\n".join(map(_text, value))
    return ""


def _source(name: str, data: Mapping[str, Any], text: str) -> str:
    if name == "postgres":
        return POSTGRESQL
    if data.get("_SYSTEMD_UNIT") == "patroni.service" or name == "patroni":
        return POSTGRESQL if _POSTGRESQL_LINE.search(text) else PATRONI
    return OTHER


def read_log_file(text: str, node: str, path: str, zone: timedelta) -> Iterator[Entry]:
    """The entries of a log file: each begins with a date. ZONE: what the node's local time is ahead of UTC.

    What stands before the first date belongs to an entry that was cut off.
    """
    name = path.rpartition("/")[2]
    source = PATRONI if "patroni" in name else POSTGRESQL if _is_postgresql(path) else OTHER
    at: float | None = None
    held: list[str] = []
    for line in text.splitlines():
        stamp = _STAMP.match(line)
        if stamp is None:
            held.append(line)
            continue
        if at is not None:
            yield Entry(at, node, name, "\n".join(held), source)
        at, held = _moment(stamp, zone), [line[stamp.end() :].lstrip(" ,") if stamp.start("date") == 0 else line]
    if at is not None:
        yield Entry(at, node, name, "\n".join(held), source)


def _is_postgresql(path: str) -> bool:
    return "postgresql" in path and "pgbouncer" not in path


def _moment(stamp: re.Match[str], zone: timedelta) -> float:
    whole = datetime.fromisoformat(f"{stamp['date']}T{stamp['time']}")
    part = float(f"0.{stamp['part'] or 0}")
    told = stamp["zone"]
    if told in _UTC:
        ahead = timedelta()
    elif told and told[0] in "+-":
        minutes = int(told[1:3]) * 60 + int(told[-2:] if len(told) > 3 else 0)
        ahead = timedelta(minutes=-minutes if told[0] == "-" else minutes)
    else:
        ahead = zone  # no zone, or a name of one, which may stand for several: the node's own
    return whole.replace(tzinfo=timezone(ahead)).timestamp() + part


def steps(entries: Iterable[Entry]) -> list[StepRecord]:
    """Where the clock of the node was set, as far as its journal shows: against the time since boot, which runs on."""
    found: list[StepRecord] = []
    last: dict[str, float] = {}
    for entry in entries:
        if not entry.boot:
            continue
        began = entry.at - entry.running
        before = last.get(entry.boot, began)
        if abs(began - before) > SLEW:
            found.append(StepRecord(entry.at, round(began - before, 3)))
        last[entry.boot] = began
    return found


SLEW = 0.2
"""Seconds by which a clock that is merely slowed or hurried may differ from one entry to the next."""


def shown(at: float) -> str:
    """A time as it is read best and sorts right: UTC, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
