"""The two programs of a drill on nodes, the load and the observers, and what they tell, as entries of the log."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from labgen.cluster.dcs import leader_key
from labgen.cluster.nodes import Nodes, clock_of
from labgen.drill.judge.logfile import LogFile
from labgen.errors import LabgenError
from labgen.lab.model import Lab, Node
from labgen.system.connection import Connection
from labgen.system.waiting import FOREVER, wait_until

INTERVAL = 0.05
"""Seconds between two attempts on a path, if the first is answered by then."""
CONNECT_TIMEOUT = 2
"""Seconds for each host that a client tries."""
DEADLINE = 2.0
"""Seconds for a statement; then its client hangs up and calls the outcome unknown."""
OBSERVE_EVERY = 0.25
POLL = 0.2
"""Seconds between two looks whether a program on a node has ended."""
LATE = 5.0
"""Seconds after which what a node tells comes too late: its clock has stood still, and has to be compared anew."""
LONGEST = 900.0
"""Seconds after which load and observers end by themselves, whatever has become of labgen."""
MOST = 40_000
"""Attempts on each path, after which its load ends by itself."""


@dataclass(frozen=True)
class LoadPath:
    """A way in that is under load. `to` is what libpq connects to, without the password."""

    name: str
    summary: str
    reads: bool
    to: Mapping[str, Any]
    through: tuple[str, ...] = ()


@dataclass
class Seen:
    """What load and observers have told up to now, for those who wait for something."""

    ok: dict[str, float] = field(default_factory=dict)
    """path → start of the last attempt that was acknowledged"""
    key: str | None = None
    """the leader by the DCS"""
    key_since: float = 0.0
    """when it was first seen there"""
    leads: dict[str, bool | None] = field(default_factory=dict)
    """node → what its PostgreSQL said last"""
    watched: dict[str, dict[str, float]] = field(default_factory=dict)
    """node → by whom → when the last answer was there, an empty one too"""
    ended: str | None = None
    """why the load is over before its time"""


class Stream:
    """A program on a node, fed one line of configuration and then kept alive by its open input; lines come back."""

    def __init__(self, connection: Connection, command: str, config: Mapping[str, Any], on_line: Callable[[str], None]):
        reading, self._writing = os.pipe()
        self._input = os.fdopen(reading, "rb", 0)
        self._on_line, self._rest = on_line, b""
        self.failure: str | None = None
        self._lock = threading.Lock()
        os.write(self._writing, json.dumps(config).encode() + b"\n")
        self._thread = threading.Thread(target=self._run, args=(connection, command), daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def stop(self, timeout: float = 10) -> None:
        """Close its input, upon which it ends, and wait for its last line."""
        with self._lock:
            if self._writing >= 0:
                os.close(self._writing)
                self._writing = -1
        self._thread.join(timeout)

    def _run(self, connection: Connection, command: str) -> None:
        try:
            done = connection.run(command, stdin=self._input, timeout=LONGEST + 30, on_output=self._take)
            if not done.ok:
                said = [line for line in done.stderr.splitlines() if line.strip()]
                self.failure = said[-1] if said else f"exit code {done.rc}"
        except LabgenError as why:
            self.failure = why.what

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"))


class Load:
    """The clients: every path at once, from one node."""

    def __init__(self, nodes: Nodes, client: str, log: LogFile, seen: Seen, zero: float) -> None:
        self._nodes, self._client, self._log, self._seen, self._zero = nodes, client, log, seen, zero
        self._stream: Stream | None = None
        self._shift = 0.0

    def measure_clock(self) -> float:
        """Compare the client's clock with ours; returns by how much that may be wrong."""
        offset, error = clock_of(self._nodes[self._client], self._client)
        self._shift = offset - self._zero
        return error

    def measure_drift(self) -> float:
        """By how much times may be wrong, now that the two clocks have run side by side for a time."""
        offset, error = clock_of(self._nodes[self._client], self._client)
        return abs(offset - self._zero - self._shift) + error

    def start(self, paths: Sequence[LoadPath], table: str, password: str, interval: float) -> None:
        program = self._nodes.place(self._client, "load.py")
        config = {
            "paths": [{"name": path.name, "reads": path.reads, "to": dict(path.to)} for path in paths],
            "table": table,
            "password": password,
            "interval": interval,
            "deadline": DEADLINE,
            "seconds": LONGEST,
            "most": MOST,
        }
        self._reads = {path.name for path in paths if path.reads}
        self._stream = Stream(self._nodes[self._client], f"exec python3 -I -B {program}", config, self._told)

    def check(self) -> None:
        """Note in `seen` if the load is over though nobody has stopped it."""
        if self._stream is not None and self._stream.over:
            self._seen.ended = self._stream.failure or "it ended by itself"

    def stop(self) -> None:
        if self._stream is not None:
            self._stream.stop()

    def _told(self, line: str) -> None:
        entry = _read(line, 8, 2)
        if entry is None:
            return
        if len(entry) == 2:
            self._log.add("load", path=entry[0], attempts=entry[1])
            return
        path, number, start, end, result, server, timeline, error = entry
        start, end = round(start + self._shift, 4), round(end + self._shift, 4)
        event = "read" if path in self._reads else "write"
        about = {"server": server, "timeline": timeline, "error": error}
        kept = {name: value for name, value in about.items() if value is not None}
        self._log.add(event, id=f"{path}-{number}", path=path, t_start=start, t_end=end, result=result, **kept)
        if result == "ok":
            self._seen.ok[path] = start


class Observers:
    """Who leads, by whom, on every Patroni node; starts again on nodes that come back."""

    def __init__(self, nodes: Nodes, lab: Lab, log: LogFile, seen: Seen, zero: float) -> None:
        self._nodes, self._lab, self._log, self._seen, self._zero = nodes, lab, log, seen, zero
        self._stop = threading.Event()
        self._streams: dict[str, Stream] = {}
        self._runs: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._keep_watching, args=(node,), daemon=True) for node in lab.member_nodes
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for stream in list(self._streams.values()):
            stream.stop(2)
        for thread in self._threads:
            thread.join(5)

    def _keep_watching(self, node: Node) -> None:
        while not self._stop.is_set():
            # It may be away, or only just coming back.
            with suppress(LabgenError, ValueError):
                self._watch(node)
            self._stop.wait(1.0)

    def _watch(self, node: Node) -> None:
        connection = self._nodes[node.name]
        offset, error = clock_of(connection, node.name, probes=3)
        program = self._nodes.place(node.name, "observe.py")
        run = self._runs[node.name] = self._runs.get(node.name, 0) + 1
        self._log.add("clock", node=node.name, error=round(error, 4), run=run)
        config = {
            "address": node.address,
            "interval": OBSERVE_EVERY,
            "seconds": LONGEST,
            "dcs": leader_key(self._lab, node),
        }
        shift = offset - self._zero
        stale = threading.Event()

        def told(line: str) -> None:
            entry = _read(line, 7)
            if entry is None:
                return
            by, look, start, end, *what = entry
            # A virtual machine that was frozen goes on with the time at which it was.
            if time.monotonic() - self._zero - (end + shift) > LATE:
                stale.set()
            if not stale.is_set():
                numbers = {"run": run, "look": look, "took": round(end - start, 4)}
                self._told(node.name, numbers, by, round(end + shift, 4), *what)

        command = f"exec runuser -u postgres -- python3 -I -B {program}"
        stream = self._streams[node.name] = Stream(connection, command, config, told)

        def over() -> bool:
            return stream.over or stale.is_set() or self._stop.is_set()

        wait_until(f"end of the watch on {node.name}", over, FOREVER, poll=POLL, pause=self._stop.wait)
        stream.stop(2)

    def _told(
        self,
        node: str,
        numbers: Mapping[str, float],
        by: str,
        at: float,
        leads: bool | None,
        timeline: int | None,
        leader: str | None,
    ) -> None:
        leader = self._lab.members.get(leader, leader) if leader else leader
        about = {"timeline": timeline, "leader": leader}
        kept = {name: value for name, value in about.items() if value is not None}
        self._log.add("leader", t=at, node=node, by=by, leads=leads, **numbers, **kept)
        self._seen.watched.setdefault(node, {})[by] = at
        if by == "dcs" and leader and leader != self._seen.key:
            self._seen.key, self._seen.key_since = leader, at
        elif by == "sql":
            self._seen.leads[node] = leads


def _read(line: str, *lengths: int) -> list[Any] | None:
    """A line of a program as a list; None for what is none: a warning of Python's, or a torn last line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, list) and len(entry) in lengths else None
