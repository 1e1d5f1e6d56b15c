"""Logs of drills, made by hand: one line of what happened at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from labgen.drill.judge.log import Log, parse_log

LEADER, OTHER, THIRD = "node1", "node2", "node3"
MEMBERS = (LEADER, OTHER, THIRD)
CLIENT = "node4"
CHECKS = ("patroni", "replication", "paths")


@dataclass
class Story:
    """A drill in which the leader dies at 10 s, node2 leads from 18 s on, and healing begins at 30 s; then spoilt.

    All is watched and counted as format 2 promises; FORMAT 1 leaves out what older logs lack. READS: those of the paths
    that only read. TICK, STEP: seconds between two looks, two attempts.
    """

    expect: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ("libpq",)
    entries: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[str] | None = None
    ended: bool = True
    whole: float | None = 36.0
    faults: bool = True
    early: bool = False
    clocks: Mapping[str, float] = field(default_factory=dict)
    format: int = 2
    reads: tuple[str, ...] = ()
    tick: float = 0.25
    step: float = 0.1

    def __post_init__(self) -> None:
        for path in self.paths:
            old, new = (None, None) if path in self.reads else (1, 2)
            self.writes(path, 0, 10, step=self.step, server=LEADER, timeline=old)
            self.attempt(path, 10.0, 12.0, "unknown")
            self.writes(path, 12, 18, result="fail", step=0.5, error="connect")
            self.writes(path, 18, 40, step=self.step, server=OTHER, timeline=new)
        self.seen(LEADER, 0, 9.9)
        self.seen(LEADER, 33, 40, timeline=2, leads=False)
        self.seen(OTHER, 0, 17.25, leads=False)
        self.seen(OTHER, 17.5, 40, timeline=2)
        self.seen(THIRD, 0, 40, leads=False)
        for node in MEMBERS:
            for at in self._ticks(0, 40):
                if node != LEADER or at < 10 or at >= 33:
                    self.entries.append({"t": at, "node": node, "by": "dcs", "leads": None, "leader": _key(at)})
                    leads = node == (LEADER if at < 17 else OTHER)
                    self.entries.append({"t": at, "node": node, "by": "rest", "leads": leads})

    def attempt(self, path: str, start: float, end: float, result: str = "ok", **about: Any) -> dict[str, Any]:
        number = 1 + sum(entry["path"] == path for entry in self.attempts)
        entry = {
            "event": "read" if path in self.reads else "write",
            "id": f"{path}-{number}",
            "path": path,
            "t_start": round(start, 4),
            "t_end": round(end, 4),
            "result": result,
            **about,
        }
        self.attempts.append(entry)
        return entry

    def writes(self, path: str, start: float, end: float, step: float = 0.1, result: str = "ok", **about: Any) -> None:
        for number in range(round((end - start) / step)):
            begin = start + number * step
            self.attempt(path, begin, begin + 0.01, result, **about)

    def seen(
        self, node: str, start: float, end: float, by: str = "sql", timeline: int = 1, leads: bool | None = True
    ) -> None:
        for at in self._ticks(start, end):
            told = {"timeline": timeline} if by == "sql" else {}
            self.entries.append({"t": at, "node": node, "by": by, "leads": leads, **told})

    def without(self, node: str | None, start: float, end: float, by: str | None = None) -> None:
        """Nobody looked on NODE (None: on any) after START and before END."""
        self.entries = [
            seen
            for seen in self.entries
            if not (node in (None, seen["node"]) and by in (None, seen["by"]) and start < seen["t"] < end)
        ]

    def kept(self) -> list[str]:
        """The rows that are there if nothing went wrong: the acknowledged ones."""
        return [entry["id"] for entry in self.attempts if entry["result"] == "ok" and entry["event"] == "write"]

    def begin(self) -> dict[str, Any]:
        promises = {"checks": list(CHECKS), "witnesses": ["sql", "rest", "dcs"]}
        return {
            "event": "begin",
            "format": self.format,
            "lab": "lab",
            "drill": {
                "name": "power-loss",
                "title": "The leader loses power",
                "faults": [{"fault": "power-loss", "target": "leader"}],
                "expect": dict(self.expect),
            },
            "paths": [
                {
                    "name": path,
                    **({"reads": True} if path in self.reads else {}),
                    "predicted": {"low": 21, "high": 39, "why": "lease 20-30 + race"},
                }
                for path in self.paths
            ],
            "leader": LEADER,
            "timeline": 1,
            "members": list(MEMBERS),
            "client": CLIENT,
            "operations": [f"{LEADER} loses power"],
            "interval": 0.05,
            "deadline": 2.0,
            "observe": 0.25,
            **(promises if self.format > 1 else {}),
        }

    def lines(self) -> Iterable[dict[str, Any]]:
        """All entries, neither numbered nor sealed."""
        sealed = self.format > 1
        yield self.begin()
        yield from self._clocks()
        yield from self.attempts
        if sealed:
            counts = Counter(entry["path"] for entry in self.attempts)
            yield from ({"event": "load", "path": path, "attempts": counts[path]} for path in self.paths)
        yield from self._looks()
        if self.faults:
            injection = {"name": "power-loss", "title": "power loss of the leader", "targets": [LEADER]}
            unwatched = {"unwatched": [LEADER]} if sealed else {}
            yield {"event": "fault", "t_start": 10.0, "t_end": 10.2, **injection, **unwatched}
            yield {"event": "heal", "t_start": 30.0, "t_end": 31.0, **injection, "early": self.early}
        if self.whole is not None:
            yield {"event": "whole", "t": self.whole}
        if self.ended:
            for name in CHECKS:
                yield {"event": "check", "name": name, "status": "pass", "detail": "all is well"}
            yield {"event": "rows", "ids": self.kept() if self.rows is None else self.rows}
            yield {"event": "end", "t": 41.0}

    def text(self) -> str:
        return sealed(self.lines()) if self.format > 1 else "".join(json.dumps(line) + "\n" for line in self.lines())

    def log(self) -> Log:
        return parse_log(self.text().splitlines(keepends=True), "drill.jsonl")

    def _clocks(self) -> Iterable[dict[str, Any]]:
        for _ in "before", "after":
            yield {"event": "clock", "node": CLIENT, "error": self.clocks.get(CLIENT, 0.001)}
        for node in MEMBERS:
            for run in (1, 2) if node == LEADER else (1,):
                run_of = {"run": run} if self.format > 1 else {}
                yield {"event": "clock", "node": node, "error": self.clocks.get(node, 0.001), **run_of}

    def _looks(self) -> Iterable[dict[str, Any]]:
        """What was seen, in its order, with its numbers."""
        numbers: Counter[tuple[str, str, int]] = Counter()
        for seen in sorted(self.entries, key=lambda seen: float(seen["t"])):
            run = 2 if seen["node"] == LEADER and seen["t"] >= 33 else 1
            who = (seen["node"], seen["by"], run)
            numbers[who] += 1
            about = {"run": run, "look": numbers[who], "took": 0.002} if self.format > 1 else {}
            yield {"event": "leader", **seen, **about}

    def _ticks(self, start: float, end: float) -> list[float]:
        return [start + number * self.tick for number in range(round((end - start) / self.tick) + 1)]


def _key(at: float) -> str:
    """Whose name the DCS holds."""
    return LEADER if at < 15 else "" if at < 17 else OTHER


def sealed(lines: Iterable[Mapping[str, Any]], known: Mapping[int, str] = MappingProxyType({})) -> str:
    """LINES as a log's writer leaves them: numbered, with a digest in the last one; KNOWN is their JSON, by `id`."""
    told: list[str] = []
    for number, line in enumerate(lines, 1):
        text = f"{(known.get(id(line)) or json.dumps({**line, 'n': 0}))[:-2]}{number}}}\n"
        if line.get("event") == "end":
            digest = sha256("".join(told).encode()).hexdigest()
            text = json.dumps({**json.loads(text), "sha256": digest}) + "\n"
        told.append(text)
    return "".join(told)
