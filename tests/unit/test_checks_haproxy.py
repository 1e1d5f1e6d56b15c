"""The checks of HAProxy, keepalived and synchronous replication, against scripted nodes of etcd-haproxy-keepalived."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache

import pytest
from checks_world import SECRETS, Answer, FakeNode, Result, addresses, raw

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import CheckResult, Status, run_checks
from labgen.checks.builtin.keepalived import is_weighed
from labgen.errors import NodeError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

ONE, TWO, THREE = NODES = [f"postgresql-patroni0{number}" for number in (1, 2, 3)]
DEAD = NodeError(f"{THREE} does not answer")
READ_ONLY = Result("", 3, "", "ERROR:  this server takes writes\nCONTEXT:  PL/pgSQL function inline_code_block")


@cache
def lab(profile: str = "modern") -> Lab:
    return resolve(load_blueprint(find_blueprint("etcd-haproxy-keepalived")), provider="docker", profile=profile)


def cluster(*roles: str, states: tuple[str, ...] = ("running", "streaming", "streaming")) -> str:
    members = [
        {"name": node.name, "role": role, "state": state, "host": node.address, "timeline": 1, "lag": 0}
        for node, role, state in zip(lab().nodes, roles, states, strict=True)
    ]
    return json.dumps({"members": members})


class Healthy:
    """The lab as it should be: the first node leads and has the VIP, the second one is synchronous."""

    def __init__(self) -> None:
        self.written = ""
        self.tables: list[str] = []
        self.nodes = {node.name: FakeNode(node.name) for node in lab().nodes}
        for node in lab().nodes:
            held = [f"{node.address}/24", *(["192.168.13.48/24"] if node.name == ONE else [])]
            self.nodes[node.name].script = [
                (r"show stat", raw("haproxy_stat/healthy-3.0.11")),
                (r"8008/cluster", cluster("leader", "sync_standby", "replica")),
                (r"8008/sync", "200" if node.name == TWO else "503"),
                (r"sync_state", raw("patroni_sync/healthy")),
                (r"^ip ", addresses(*held)),
                (r"-p 5000", self._primary),
                (r"-p 5001", f"{lab().node(TWO).address}|t\n"),
                (r"select value from labgen_check_", lambda *_: f"{self.written}\n"),
            ]

    def _primary(self, _node: FakeNode, _command: str, stdin: str) -> str:
        password, *statements = stdin.splitlines()
        assert password == SECRETS["patroni"]["app_password"]
        for statement in statements:
            if found := re.match(r"create table (\w+)", statement):
                self.tables.append(found[1])
            elif found := re.match(r"insert into \w+ values \('(\w+)'\)", statement):
                self.written = found[1]
            elif found := re.match(r"drop table if exists (\w+)", statement):
                self.tables.remove(found[1])
        return f"{lab().node(ONE).address}|f\n" if "inet_server_addr" in stdin else ""

    def change(self, nodes: str | Iterable[str], pattern: str, answer: Answer) -> Healthy:
        for name in [nodes] if isinstance(nodes, str) else nodes:
            self.nodes[name].script.insert(0, (pattern, answer))
        return self


def run(name: str, world: Healthy, profile: str = "modern") -> CheckResult:
    return run_checks(lab(profile), SECRETS, world.nodes, [name]).results[0]


def stat(*changes: tuple[str, str, str]) -> str:
    """The healthy statistics with (route, server, status) changed."""
    text = raw("haproxy_stat/healthy-3.0.11")
    header = text.splitlines()[0].removeprefix("# ").split(",")
    lines = []
    for line in text.splitlines():
        cells = line.split(",")
        for route, server, status in changes:
            if cells[:2] == [route, server]:
                cells[header.index("status")] = status
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("haproxy-servers", f"on 3 nodes: primary leads to {ONE}; replica leads to {TWO}, {THREE}"),
        ("haproxy-sql", f"through 3 nodes: {ONE} takes a row that 2 replicas show; the port for replicas only reads"),
        ("keepalived-vip", f"192.168.13.48/24 is on {ONE} alone and answers SQL from {TWO}, {THREE}"),
        ("patroni-sync", f"each commit is on {TWO} as well, and its /sync gives 200"),
    ],
)
def test_healthy(name: str, detail: str) -> None:
    world = Healthy()
    result = run(name, world)
    assert (result.status, result.detail) == (Status.PASS, detail)
    assert world.tables == []


SAYS_NO: list[tuple[str, str, Callable[[Healthy], object]]] = [
    (
        "haproxy-servers",
        f"{TWO}: primary leads to {ONE}, {THREE}, not to {ONE}",
        lambda w: w.change(TWO, "show stat", stat(("primary", THREE, "UP 1/2"))),
    ),
    (
        "haproxy-servers",
        f"{ONE}: primary leads to nobody, not to {ONE}; {ONE}: replica leads to {TWO}, not to {TWO}, {THREE}",
        lambda w: w.change(ONE, "show stat", stat(("primary", ONE, "DOWN"), ("replica", THREE, "MAINT"))),
    ),
    (
        "haproxy-servers",
        f"{THREE}: primary leads to {ONE}, {TWO}, {THREE}, not to {ONE}; "
        f"{THREE}: primary has not asked {TWO} yet; {THREE}: primary has not asked {THREE} yet; "
        f"{THREE}: replica leads to {ONE}, {TWO}, {THREE}, not to {TWO}, {THREE}; "
        f"{THREE}: replica has not asked {ONE} yet; {THREE}: replica has not asked {TWO} yet; "
        f"{THREE}: replica has not asked {THREE} yet",
        lambda w: w.change(THREE, "show stat", raw("haproxy_stat/just-started-3.0.11")),
    ),
    (
        # A replica that does not run cannot be behind HAProxy: else a check would pass while it is on its way up.
        "haproxy-servers",
        f"no port can lead to {THREE}: it is stopped; {ONE}: replica leads to {TWO}, {THREE}, not to {TWO}",
        lambda w: w.change(
            NODES, "8008/cluster", cluster("leader", "replica", "replica", states=("running", "streaming", "stopped"))
        ).change((TWO, THREE), "show stat", stat(("replica", THREE, "DOWN"))),
    ),
    (
        "haproxy-servers",
        f"{TWO}: exit 1: socat[1] E connect: No such file or directory",
        lambda w: w.change(TWO, "show stat", Result("", 1, "", "socat[1] E connect: No such file or directory")),
    ),
    (
        "haproxy-sql",
        f"HAProxy on {TWO}: from {ONE} it leads to {THREE}, not to the leader {ONE}",
        lambda w: w.change(
            ONE,
            r"13\.46 -p 5000",
            lambda n, c, s: "192.168.13.47|t" if "inet_server" in s else w._primary(n, c, s),
        ),
    ),
    (
        "haproxy-sql",
        f"HAProxy on {ONE}: {THREE} does not show the row written through it; "
        f"HAProxy on {TWO}: {THREE} does not show the row written through it; "
        f"HAProxy on {THREE}: {THREE} does not show the row written through it",
        lambda w: w.change(THREE, "select value", 'ERROR:  relation "labgen_check_1" does not exist\n'),
    ),
    (
        "haproxy-sql",
        f"HAProxy on {TWO}: {ONE}: exit 3: ERROR:  this server takes writes",
        lambda w: w.change(ONE, r"13\.46 -p 5001", READ_ONLY),
    ),
    (
        "haproxy-sql",
        f"HAProxy on {TWO}: its replica port leads to {ONE}, which takes writes",
        lambda w: w.change(ONE, r"13\.46 -p 5001", "192.168.13.45|f\n"),
    ),
    (
        "haproxy-sql",
        f"HAProxy on {TWO}: its replica port leads to 192.168.13.99, which is no replica",
        lambda w: w.change(ONE, r"13\.46 -p 5001", "192.168.13.99|t\n"),
    ),
    ("keepalived-vip", "192.168.13.48 is on no node", lambda w: w.change(ONE, "^ip", addresses("192.168.13.45/24"))),
    (
        "keepalived-vip",
        f"192.168.13.48 is on {ONE}, {THREE} at the same time",
        lambda w: w.change(THREE, "^ip", addresses("192.168.13.47/24", "192.168.13.48/24")),
    ),
    (
        "keepalived-vip",
        f"192.168.13.48 has the prefix /32 on {ONE}, expected /24",
        lambda w: w.change(ONE, "^ip", addresses("192.168.13.45/24", "192.168.13.48/32")),
    ),
    (
        "keepalived-vip",
        f"from {THREE} it leads to a replica",
        lambda w: w.change(THREE, "-p 5000", "192.168.13.47|t\n"),
    ),
    (
        "patroni-sync",
        f"Patroni names no synchronous standby; {TWO}: /sync gives 200, but Patroni does not name it",
        lambda w: w.change(NODES, "8008/cluster", cluster("leader", "replica", "replica")),
    ),
    (
        "patroni-sync",
        f"{TWO}: /sync gives 503, expected 200; the leader does not wait for {TWO} (async)",
        lambda w: w.change(TWO, "8008/sync", "503").change(ONE, "sync_state", f"{TWO}|async\n{THREE}|async\n"),
    ),
    (
        "patroni-sync",
        f"the leader does not wait for {TWO} (it does not stream)",
        lambda w: w.change(ONE, "sync_state", f"{THREE}|async\n"),
    ),
]


@pytest.mark.parametrize(
    ("name", "detail", "spoil"), SAYS_NO, ids=lambda value: value if isinstance(value, str) else ""
)
def test_says_no(name: str, detail: str, spoil: Callable[[Healthy], object]) -> None:
    world = Healthy()
    spoil(world)
    result = run(name, world)
    assert result.status is Status.FAIL
    assert sorted(result.detail.split("; ")) == sorted(detail.split("; "))


@pytest.mark.parametrize(
    ("name", "detail", "spoil"),
    [
        ("haproxy-servers", f"{THREE} does not answer", lambda w: w.change(THREE, "", DEAD)),
        ("haproxy-servers", "Patroni names no leader", lambda w: w.change(NODES, "8008/", cluster(*["replica"] * 3))),
        ("haproxy-servers", f"{TWO}: HAProxy's socket says ''", lambda w: w.change(TWO, "show stat", "")),
        (
            "keepalived-vip",
            f"{ONE} does not answer",  # it may be the one that has the VIP
            lambda w: w.change(ONE, "", NodeError(f"{ONE} does not answer")),
        ),
        (
            "patroni-sync",
            f"pg_stat_replication shows '{TWO}|synchronous'",
            lambda w: w.change(ONE, "sync_state", f"{TWO}|synchronous\n"),
        ),
    ],
)
def test_does_not_know(name: str, detail: str, spoil: Callable[[Healthy], object]) -> None:
    world = Healthy()
    spoil(world)
    result = run(name, world)
    assert (result.status, result.detail) == (Status.UNKNOWN, detail)


def test_with_preemption_the_vip_belongs_on_the_node_with_the_highest_priority() -> None:
    def moved() -> Healthy:
        return (
            Healthy()
            .change(ONE, "^ip", addresses("192.168.13.45/24"))
            .change(TWO, "^ip", addresses("192.168.13.46/24", "192.168.13.48/24"))
        )

    assert run("keepalived-vip", moved()).status is Status.PASS
    result = run("keepalived-vip", moved(), "published")
    assert result.detail == f"192.168.13.48 is on {TWO}, not on {ONE}, which has the highest priority"


def test_where_weights_move_the_vip_keepalived_itself_is_asked_for_priorities() -> None:
    words = ["config.keepalived.vrrp_script haproxy.weight=50"]
    loaded = load_blueprint(find_blueprint("etcd-haproxy-keepalived"))
    weighed = resolve(loaded, provider="docker", profile="published", overrides=words)

    def told(*priorities: int) -> Healthy:
        world = (
            Healthy()
            .change(ONE, "^ip", addresses("192.168.13.45/24"))
            .change(TWO, "^ip", addresses("192.168.13.46/24", "192.168.13.48/24"))
        )
        for node, priority in zip(NODES, priorities, strict=True):
            world.change(node, "USR1", f"   Total priority = {priority}\n" if priority else "")
        return world

    def outcome(world: Healthy) -> tuple[Status, str]:
        result = run_checks(weighed, SECRETS, world.nodes, ["keepalived-vip"]).results[0]
        return result.status, result.detail

    assert outcome(told(101, 150, 99))[0] is Status.PASS
    assert outcome(told(101, 100, 149)) == (
        Status.FAIL,
        f"192.168.13.48 is on {TWO}, not on {THREE}, which has the highest priority",
    )
    assert outcome(told(150, 150, 99))[0] is Status.PASS  # of equals either may have it
    assert outcome(told(101, 150, 0))[0] is Status.UNKNOWN
    assert outcome(told(101, 0, 99))[0] is Status.UNKNOWN  # it may be the one that says nothing


@pytest.mark.parametrize(
    ("tree", "weighed"),
    [
        ({"vrrp_script haproxy": {"weight": 50}}, True),
        ({"vrrp_instance vip": {"track_script": {"haproxy": "weight 2"}}}, True),
        ({"vrrp_instance vip": {"track_script": {"haproxy weight 2": True}}}, True),
        ({"vrrp_instance vip": {"notify": "/bin/weight"}}, False),
        (None, False),
    ],
)
def test_which_changes_weigh(tree: object, weighed: bool) -> None:
    assert is_weighed(tree) is weighed
