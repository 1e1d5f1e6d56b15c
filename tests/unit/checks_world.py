"""A world for the checks' tests: the real consul-pgbouncer lab, and nodes that answer from a script."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

PARSERS = Path(__file__).parents[1] / "parsers"
SECRETS = {
    "consul": {"gossip_key": "Z29zc2lwLWtleS1vZi10aGUtbGFiLTAxMjM0NTY3ODk="},
    "patroni": {"app_password": "appPasswordOfTheLab", "superuser_password": "superPasswordOfTheLab"},
    "pgbouncer": {"auth_password": "authPasswordOfTheLab"},
}
PATRONIS = ("pg-patroni1", "pg-patroni2", "pg-patroni3")
CONSULS = ("consul-node1", "consul-node2", "consul-node3")


@cache
def lab() -> Lab:
    return resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker")


def raw(case: str) -> str:
    return (PARSERS / f"{case}.txt").read_text()


@dataclass(frozen=True)
class Result:
    command: str
    rc: int
    stdout: str
    stderr: str = ""
    seconds: float = 0.0


Answer = str | Result | Exception | Callable[["FakeNode", str, str], "str | Result"]


@dataclass
class FakeNode:
    """Answers each command with what the first matching pattern says; an unknown command is an error of the test."""

    name: str
    script: list[tuple[str, Answer]] = field(default_factory=list)
    heard: list[tuple[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, command: str, *, stdin: bytes | None = None, timeout: float | None = None) -> Result:
        assert timeout is not None
        assert timeout > 0
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.heard.append((command, (stdin or b"").decode()))
        try:
            return self._answer(command, (stdin or b"").decode())
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, command: str, stdin: str) -> Result:
        for pattern, answer in self.script:
            if re.search(pattern, command):
                if isinstance(answer, Exception):
                    raise answer
                said = answer(self, command, stdin) if callable(answer) else answer
                return said if isinstance(said, Result) else Result(command, 0, said)
        raise AssertionError(f"{self.name} was asked something unforeseen: {command}")


class Healthy:
    """The lab's nodes as they should be, with pg-patroni1 leading; `change` puts a fault in."""

    def __init__(self) -> None:
        self.nodes = {node.name: FakeNode(node.name) for node in lab().nodes}
        for node in lab().nodes:
            leads = node.name == "pg-patroni1"
            floating = ["192.168.60.55/24"] if leads else []
            self.nodes[node.name].script = [
                (r"^systemctl ", "running\n"),
                (r"grep -rlsF", "640 root:consul owner /etc/consul.d/consul.json\n"),
                (r"^ps ", "root systemd /sbin/init\n"),
                (r"journalctl", ""),
                (r"^ss ", sockets(node.name)),
                (r"^ip ", addresses(f"{node.address}/24", *floating)),
                (r"consul members", raw("consul_members/healthy-1.8.7")),
                (r"list-peers", raw("consul_peers/healthy-1.8.7")),
                (r"status/leader", raw("consul_leader/healthy")),
                (r"patronictl", raw("patroni_list/healthy-4.0.7")),
                (r"8008/cluster", raw("patroni_cluster/healthy-4.0.7")),
                (r"for path in config", rest_api(leads=leads)),
                (
                    r"for path in",
                    "primary 200\nreplica 503\nhealth 200\n" if leads else "primary 503\nreplica 200\nhealth 200\n",
                ),
                (r"pg_stat_replication", "pg-patroni2\npg-patroni3\n"),
                (r"pg_is_in_recovery", "f\n" if leads else "t\n"),
                (r"-h 192\.168\.60\.55 -p 5432", "192.168.60.55|f\n"),
                (r"-h 192\.168\.60\.14 -p 6432", self._through_pgbouncer),
                (r"select value from labgen_check_", lambda *_: f"{self.written}\n"),
            ]
        self.written = ""
        self.tables: list[str] = []

    def _through_pgbouncer(self, _node: FakeNode, _command: str, stdin: str) -> str:
        password, *statements = stdin.splitlines()
        assert password == SECRETS["patroni"]["app_password"]
        for statement in statements:
            if found := re.match(r"create table (\w+)", statement):
                self.tables.append(found[1])
            elif found := re.match(r"insert into \w+ values \('(\w+)'\)", statement):
                self.written = found[1]
            elif found := re.match(r"drop table if exists (\w+)", statement):
                self.tables.remove(found[1])
            elif statement.startswith("select"):
                return "192.168.60.11|f\n"
        return ""

    def change(self, nodes: str | Iterable[str], pattern: str, answer: Answer) -> Healthy:
        for name in [nodes] if isinstance(nodes, str) else nodes:
            self.nodes[name].script.insert(0, (pattern, answer))
        return self


def sockets(name: str) -> str:
    own = lab().node(name).address
    tcp = [8301, 8300] if name in CONSULS else [8301, 5432, 8008] if name in PATRONIS else [8301, 6432]
    lines = [f"tcp LISTEN 0 128 {own}:{port} 0.0.0.0:*" for port in tcp]
    return "\n".join(
        [
            *lines,
            f"udp UNCONN 0 0 {own}:8301 0.0.0.0:*",
            "tcp LISTEN 0 128 127.0.0.1:8500 0.0.0.0:*",
            "tcp LISTEN 0 1 *:22 *:*",
        ]
    )


def rest_api(*, leads: bool, **changes: tuple[int, str]) -> str:
    """What the calls of patroni-rest-api print on a node; CHANGES: path → another status and body."""
    health = json.dumps({"state": "running", "role": "primary" if leads else "replica"})
    lead, follow = (200, 503) if leads else (503, 200)
    answers = {
        "config": (200, '{"ttl": 30, "loop_wait": 10, "retry_timeout": 10}'),
        "cluster": (200, raw("patroni_cluster/healthy-4.0.7").strip()),
        "health": (200, health),
        **dict.fromkeys(("master", "primary"), (lead, health)),
        "replica": (follow, health),
        **changes,
    }
    return "".join(f"{body}\t{code:03}\t/{path}\n" for path, (code, body) in answers.items())


def addresses(*held: str) -> str:
    info = [{"family": "inet", "local": a.split("/")[0], "prefixlen": int(a.split("/")[1])} for a in held]
    return json.dumps([{"ifname": "lo", "addr_info": []}, {"ifname": "eth0", "addr_info": info}])
