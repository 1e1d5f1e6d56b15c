"""A Patroni cluster that answers curl as the real one does, with what went wrong written down in advance."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from labgen.lab.model import Lab
from labgen.system.connection import CommandResult

CALL = re.compile(r"(?:--request (?P<method>\w+) .*)?http://(?P<address>[\d.]+):8008/(?P<path>\w+)")


@dataclass
class FakeMember:
    """What one member is at the moment.

    lag in bytes; started: which start of PostgreSQL it is. hangs: it takes a question and says nothing.
    stepped_down: its PostgreSQL takes no writes, whatever the members know of each other.
    """

    name: str
    address: str
    role: str = "replica"
    state: str = "streaming"
    timeline: int = 1
    lag: int | str = 0
    tags: dict[str, bool] = field(default_factory=dict)
    started: int = 1
    paused: bool = False
    answers: bool = True
    hangs: bool = False
    stepped_down: bool = False


class FakeCluster:
    """The members of LAB, the first of them leading. It obeys at once, unless `refuses` says with which words not."""

    def __init__(self, lab: Lab, *, word: str = "primary", version: str = "4.0.7") -> None:
        self.members = {n.name: FakeMember(n.name, n.address) for n in lab.nodes_with("patroni")}
        self.lead(next(iter(self.members)))
        self.config: dict[str, Any] = {"ttl": 30, "loop_wait": 10, "maximum_lag_on_failover": 1048576}
        self.word, self.version = word, version
        self.slots = [name.replace("-", "_") for name in self.members]
        self.retained: set[str] = set()
        self.refuses: dict[str, tuple[int, str]] = {}
        self.heard: list[tuple[str, str, Any]] = []
        self.commands: list[str] = []
        self.after: list[Callable[[], object]] = []

    @property
    def connections(self) -> dict[str, FakeNode]:
        return {name: FakeNode(self, name) for name in self.members}

    @property
    def leader(self) -> FakeMember | None:
        return next((member for member in self.members.values() if member.role == "leader"), None)

    def lead(self, name: str) -> None:
        """NAME leads from now on, on a timeline of its own."""
        timeline = max(member.timeline for member in self.members.values()) + 1
        for member in self.members.values():
            if member.role == "leader":
                member.role, member.state = "replica", "streaming"
            if member.state == "streaming":
                member.timeline = timeline
        self.members[name].role, self.members[name].state, self.members[name].timeline = "leader", "running", timeline

    def answer(self, name: str, method: str, path: str, body: Any) -> tuple[int, str]:
        self.heard.append((method, path, body))
        if path in self.refuses and method != "GET":
            return self.refuses[path]
        match method, path:
            case "GET", "cluster":
                return 200, json.dumps({"members": [self._entry(m) for m in self.members.values()], **self._pause()})
            case "GET", "config":
                return 200, json.dumps(self.config)
            case "GET", "patroni":
                return 200, json.dumps(self._status(self.members[name]))
            case "PATCH", "config":
                self._patch(body)
                return 200, json.dumps(self.config)
            case "POST", "switchover":
                self.lead(body["candidate"])
                return 200, f'Successfully switched over to "{body["candidate"]}"'
            case "POST", "reinitialize":
                member = self.members[name]
                member.started, member.state, member.timeline = member.started + 1, "streaming", self._timeline()
                return 200, "reinitialize started"
        raise AssertionError(f"{method} /{path} was not foreseen")

    def _patch(self, changes: dict[str, Any]) -> None:
        self.config = {k: v for k, v in {**self.config, **changes}.items() if v is not None}
        for member in self.members.values():
            if member.answers:
                member.paused = bool(self.config.get("pause"))
        if self.config.get("member_slots_ttl") == 0:
            self.retained.clear()
        kept = {name.replace("-", "_") for name in self.members} | self.retained
        self.slots = [slot for slot in self.slots if slot in kept]

    def _timeline(self) -> int:
        return self.leader.timeline if self.leader else 1

    def _pause(self) -> dict[str, bool]:
        return {"pause": True} if self.config.get("pause") else {}

    def _entry(self, member: FakeMember) -> dict[str, Any]:
        entry = {"name": member.name, "role": member.role, "state": member.state, "host": member.address}
        lag = {} if member.role == "leader" else {"lag": member.lag}
        return {**entry, "timeline": member.timeline, **lag, **({"tags": member.tags} if member.tags else {})}

    def _status(self, member: FakeMember) -> dict[str, Any]:
        leads = member.role == "leader"
        status: dict[str, Any] = {
            "state": "running" if member.state == "streaming" else member.state,
            "role": self.word if leads and not member.stepped_down else "replica",
            "patroni": {"version": self.version},
            **({"pause": True} if member.paused else {}),
        }
        if member.state in ("running", "streaming"):
            status["postmaster_start_time"] = f"2026-01-01 00:00:0{member.started}"
        if leads:
            status["replication"] = [
                {"application_name": m.name, "state": m.state} for m in self.members.values() if m is not member
            ]
        return status


@dataclass
class FakeNode:
    """The connection to one node of a FakeCluster."""

    cluster: FakeCluster
    name: str

    def run(self, command: str, *, stdin: bytes | None = None, **_: object) -> CommandResult:
        self.cluster.commands.append(f"{self.name}: {command}")
        if "pg_replication_slots" in command:
            return CommandResult(command, 0, "\n".join(self.cluster.slots), "", 0.0)
        call = CALL.search(command)
        if call is None:
            return CommandResult(command, 0, "", "", 0.0)
        assert call["address"] == self.cluster.members[self.name].address
        if self.cluster.members[self.name].hangs:
            return CommandResult(command, 28, "", "curl: (28) Operation timed out after 10002 milliseconds", 0.0)
        if not self.cluster.members[self.name].answers:
            return CommandResult(command, 7, "", f"curl: (7) Failed to connect to {call['address']} port 8008", 0.0)
        body = json.loads(stdin) if stdin else None
        code, text = self.cluster.answer(self.name, call["method"] or "GET", call["path"], body)
        for change in self.cluster.after:
            change()
        return CommandResult(command, 0, f"{text}\n{code}", "", 0.0)

    def cancel(self) -> None: ...

    def close(self) -> None: ...
