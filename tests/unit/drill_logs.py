"""Logs of drills, made by hand: one line of what happened at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labgen.drill.judge.log import Log, parse_log

LEADER, OTHER = "node1", "node2"


@dataclass
class Story:
    """A drill in which the leader dies at 10 s, node2 leads from 18 s on, and healing begins at 30 s; then spoilt."""

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

    def __post_init__(self) -> None:
        for path in self.paths:
            self.writes(path, 0, 10, server=LEADER, timeline=1)
            self.attempt(path, 10.0, 12.0, "unknown")
            self.writes(path, 12, 18, result="fail", step=0.5, error="connect")
            self.writes(path, 18, 40, server=OTHER, timeline=2)
        self.seen(LEADER, 0, 9.9)
        self.seen(OTHER, 17.5, 40, timeline=2)
        for tick in range(36):
            if not 15 < tick < 17:
                key = LEADER if tick < 17 else OTHER
                entry = {"event": "leader", "t": float(tick), "node": OTHER, "by": "dcs", "leads": None, "leader": key}
                self.entries.append(entry)

    def attempt(self, path: str, start: float, end: float, result: str = "ok", **about: Any) -> dict[str, Any]:
        entry = {
            "event": "write",
            "id": f"{path}-{len(self.attempts)}",
            "path": path,
            "t_start": start,
            "t_end": end,
            "result": result,
            **about,
        }
        self.attempts.append(entry)
        return entry

    def writes(self, path: str, start: float, end: float, step: float = 0.1, result: str = "ok", **about: Any) -> None:
        for number in range(round((end - start) / step)):
            begin = start + number * step
            self.attempt(path, begin, begin + 0.01, result, **about)

    def seen(self, node: str, start: float, end: float, by: str = "sql", timeline: int = 1) -> None:
        for number in range(round((end - start) / 0.25) + 1):
            at = start + number * 0.25
            self.entries.append(
                {"event": "leader", "t": at, "node": node, "by": by, "leads": True, "timeline": timeline}
            )

    def kept(self) -> list[str]:
        """The rows that are there if nothing went wrong: the acknowledged ones."""
        return [entry["id"] for entry in self.attempts if entry["result"] == "ok"]

    def lines(self) -> Iterable[dict[str, Any]]:
        yield {
            "event": "begin",
            "format": 1,
            "lab": "lab",
            "drill": {
                "name": "power-loss",
                "title": "The leader loses power",
                "faults": [{"fault": "power-loss", "target": "leader"}],
                "expect": dict(self.expect),
            },
            "paths": [
                {"name": path, "predicted": {"low": 21, "high": 39, "why": "lease 20-30 + race"}} for path in self.paths
            ],
            "leader": LEADER,
            "timeline": 1,
            "members": [LEADER, OTHER, "node3"],
            "client": "node3",
            "operations": [f"{LEADER} loses power"],
            "interval": 0.05,
            "deadline": 2.0,
            "observe": 0.25,
        }
        for node, error in self.clocks.items():
            yield {"event": "clock", "node": node, "error": error}
        yield from self.attempts
        yield from self.entries
        if self.faults:
            injection = {"name": "power-loss", "title": "power loss of the leader", "targets": [LEADER]}
            yield {"event": "fault", "t_start": 10.0, "t_end": 10.2, **injection}
            yield {"event": "heal", "t_start": 30.0, "t_end": 31.0, **injection, "early": self.early}
        if self.whole is not None:
            yield {"event": "whole", "t": self.whole}
        if self.ended:
            yield {"event": "rows", "ids": self.kept() if self.rows is None else self.rows}
            yield {"event": "end", "t": 41.0}

    def text(self) -> str:
        return "".join(json.dumps(line) + "\n" for line in self.lines())

    def log(self) -> Log:
        return parse_log(self.text().splitlines(keepends=True), "drill.jsonl")
