"""The built-in checks against scripted nodes: a healthy lab passes, a spoiled one gets a no or a don't know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from checks_world import CONSULS, PATRONIS, SECRETS, Healthy, Result, addresses, lab, raw, rest_api, sockets

from labgen.checks import CheckResult, Status, run_checks
from labgen.errors import NodeError

DEAD = NodeError("pg-patroni3 does not answer")
EVERYWHERE = [node.name for node in lab().nodes]


def run(name: str, world: Healthy) -> CheckResult:
    return run_checks(lab(), SECRETS, world.nodes, [name]).results[0]


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("services", "no failed unit on 7 nodes"),
        ("secrets", "7 files with secrets, none open to others; none in command lines or journals"),
        ("ports", "31 expected ports there, only SSH open beyond 192.168.60.0/24 and loopback"),
        ("consul-members", "3 servers, 4 clients alive"),
        ("consul-raft", "leader consul-02, 3 voters, all 7 agents follow it"),
        ("patroni-cluster", "leader pg-patroni1 on timeline 4, 2 replicas streaming"),
        ("patroni-rest", "/primary 200 on pg-patroni1 alone, /replica 200 on 2 replicas, /health 200 on all"),
        (
            "patroni-rest-api",
            "the same /config and /cluster on 3 nodes; role primary and /master 200 on pg-patroni1 alone, "
            "role replica and /replica 200 on 2 replicas",
        ),
        ("pgbouncer-write", "leads to pg-patroni1; a row written through it is on 2 replicas"),
        (
            "floating-ip",
            "192.168.60.55/24 is on pg-patroni1 alone and answers SQL from pg-patroni2, pg-patroni3, pgbouncer",
        ),
    ],
)
def test_healthy(name: str, detail: str) -> None:
    result = run(name, Healthy())
    assert (result.status, result.detail) == (Status.PASS, detail)


def test_an_agent_that_took_its_leave_is_no_stranger() -> None:
    left = "gone 192.168.60.99:8301 left client 1.8.7 2 dc1 <default>\n"
    world = Healthy().change(EVERYWHERE, "members", raw("consul_members/healthy-1.8.7") + left)
    result = run("consul-members", world)
    assert (result.status, result.detail) == (Status.PASS, "3 servers, 4 clients alive")


SECRET = SECRETS["patroni"]["app_password"]
NO_SQL = Result(
    "", 2, "", 'psql: error: connection to server at "192.168.60.55", port 5432 failed: No route to host\n\tIs it up?'
)
SAYS_NO: list[tuple[str, str, Callable[[Healthy], object]]] = [
    (
        "services",
        "pgbouncer: pgbouncer.service restarts again and again; pg-patroni2: patroni.service has failed",
        lambda w: w.change("pgbouncer", "^systemctl", raw("services/restarting")).change(
            "pg-patroni2", "^systemctl", raw("services/failed")
        ),
    ),
    (
        "services",
        "consul-node1: the system is starting",
        lambda w: w.change("consul-node1", "^sys", raw("services/starting")),
    ),
    (
        "secrets",
        "pg-patroni1: everyone can read /etc/patroni/config with blanks.yml (644 root:root)",
        lambda w: w.change("pg-patroni1", "grep -rlsF", raw("secret_files/one-open")),
    ),
    (
        "secrets",
        "pgbouncer: patroni.app_password stands in the arguments of psql (user root)",
        lambda w: w.change("pgbouncer", "^ps ", f"root psql psql password={SECRET}\n"),
    ),
    (
        "secrets",
        "pg-patroni2: the journal holds patroni.app_password",
        lambda w: w.change("pg-patroni2", "journalctl", f"Nov 21 psql: role app {SECRET}\n"),
    ),
    (
        "ports",
        "pg-patroni1: nothing listens on 192.168.60.11:8008/tcp; "
        "pg-patroni1: open beyond the lab: 192.168.121.9:6432/tcp, postgres on *:5432/tcp",
        lambda w: w.change(
            "pg-patroni1",
            "^ss",
            sockets("pg-patroni1").replace("192.168.60.11:8008", "192.168.121.9:6432")
            + '\ntcp LISTEN 0 1 0.0.0.0:5432 0.0.0.0:* users:(("postgres",pid=7,fd=6))',
        ),
    ),
    (
        "consul-members",
        "patroni1-client is missing; patroni2-client is missing; patroni3-client is missing",
        lambda w: w.change(EVERYWHERE, "members", raw("consul_members/only-servers-1.8.7")),
    ),
    (
        "consul-members",
        "consul-03 is failed",
        lambda w: w.change(EVERYWHERE, "members", raw("consul_members/one-failed-1.8.7")),
    ),
    (
        "consul-members",
        "consul-03 is at 10.0.2.15, not at 192.168.60.4; stranger is not of this lab",
        lambda w: w.change(
            EVERYWHERE,
            "members",
            raw("consul_members/healthy-1.8.7").replace("192.168.60.4:", "10.0.2.15:")
            + "stranger 192.168.60.99:8301 alive client 1.8.7 2 dc1 <default>\n",
        ),
    ),
    ("consul-raft", "no leader", lambda w: w.change(CONSULS, "list-peers", raw("consul_peers/leaderless-1.8.7"))),
    (
        "consul-raft",
        "consul-03 is no Raft peer",
        lambda w: w.change(CONSULS, "list-peers", raw("consul_peers/two-peers-1.8.7")),
    ),
    (
        "consul-raft",
        "consul-01 has no vote",
        lambda w: w.change(CONSULS, "list-peers", raw("consul_peers/no-vote-1.8.7")),
    ),
    (
        "consul-raft",
        "pgbouncer follows nobody, not consul-02",
        lambda w: w.change("pgbouncer", "status/leader", raw("consul_leader/none")),
    ),
    (
        "patroni-cluster",
        "2 leaders: pg-patroni1, pg-patroni2; patronictl shows pg-patroni2 as leader on timeline 4, "
        "REST /cluster as replica on timeline 4",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/two-leaders-4.0.7")),
    ),
    (
        "patroni-cluster",
        "2 leaders: pg-patroni1, pg-patroni2",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/two-leaders-4.0.7")).change(
            PATRONIS, "8008/cluster", raw("patroni_cluster/two-leaders-4.0.7")
        ),
    ),
    (
        "patroni-cluster",
        "no leader",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/leaderless-4.1.5")).change(
            PATRONIS, "8008/cluster", raw("patroni_cluster/leaderless-4.1.5")
        ),
    ),
    (
        "patroni-cluster",
        "pg-patroni3 is on timeline 3, the leader on 4",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/old-timeline-4.1.5")).change(
            PATRONIS, "8008/cluster", raw("patroni_cluster/old-timeline-4.1.5")
        ),
    ),
    (
        "patroni-cluster",
        "pg-patroni3 is missing; patronictl shows pg-patroni3 as no member, REST /cluster as replica on timeline 4",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/missing-2.0.2")),
    ),
    (
        "patroni-cluster",
        "pg-patroni2 is stopped; patronictl shows pg-patroni2 as replica on timeline None, "
        "REST /cluster as replica on timeline 4",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/stopped-2.0.2")),
    ),
    (
        # Patroni 2 says `running` for this replica; the leader knows better.
        "patroni-cluster",
        "pg-patroni3 does not stream from the leader",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/healthy-2.0.2")).change(
            "pg-patroni1", "pg_stat_replication", "pg-patroni2\n"
        ),
    ),
    (
        "patroni-cluster",
        "maintenance mode is on: there is no automatic failover",
        lambda w: w.change(PATRONIS, "patronictl", raw("patroni_list/maintenance-2.0.2")),
    ),
    (
        "patroni-rest",
        "pg-patroni2: /primary gives 200 on a replica, expected 503; "
        "pg-patroni2: /replica gives 503 on a replica, expected 200",
        lambda w: w.change("pg-patroni2", "for path in", raw("rest_codes/leader")),
    ),
    (
        "patroni-rest",
        "pg-patroni3: no REST API answers",
        lambda w: w.change("pg-patroni3", "for path", raw("rest_codes/dead")),
    ),
    (
        "patroni-rest",
        "2 nodes take writes: pg-patroni1, pg-patroni2",
        lambda w: w.change("pg-patroni2", "for path in", raw("rest_codes/leader")).change(
            "pg-patroni2", "in_recovery", "f\n"
        ),
    ),
    (
        "patroni-rest-api",
        "pg-patroni2: /health says primary on a replica; pg-patroni2: /master gives 200 on a replica, expected 503; "
        "pg-patroni2: /primary gives 200 on a replica, expected 503; "
        "pg-patroni2: /replica gives 503 on a replica, expected 200",
        lambda w: w.change("pg-patroni2", "for path in config", rest_api(leads=True)),
    ),
    (
        "patroni-rest-api",
        "pg-patroni3: no REST API answers",
        lambda w: w.change(
            "pg-patroni3",
            "for path in config",
            rest_api(
                leads=False, **dict.fromkeys(("config", "cluster", "health", "master", "primary", "replica"), (0, ""))
            ),
        ),
    ),
    (
        "patroni-rest-api",
        "pg-patroni2: /config lacks loop_wait, retry_timeout; /config is not the same on all nodes; "
        "pg-patroni3: /health is answered with 503",
        lambda w: w.change(
            "pg-patroni2", "for path in config", rest_api(leads=False, config=(200, '{"ttl": 20}'))
        ).change("pg-patroni3", "for path in config", rest_api(leads=False, health=(503, '{"state": "starting"}'))),
    ),
    (
        "patroni-rest-api",
        "pg-patroni1: /config is answered with 502; pg-patroni1: /cluster is answered with 500 and no cluster",
        lambda w: w.change(
            "pg-patroni1",
            "for path in config",
            rest_api(leads=True, config=(502, "<html>\nno</html>"), cluster=(500, "")),
        ),
    ),
    (
        "patroni-rest-api",
        "/cluster lacks pg-patroni1; /cluster lacks pg-patroni2; /cluster lacks pg-patroni3; /cluster has 0 leaders",
        lambda w: [
            w.change(
                node.name,
                "for path in config",
                rest_api(leads=node.name == "pg-patroni1", cluster=(200, raw("patroni_cluster/nobody").strip())),
            )
            for node in lab().nodes_with("patroni")
        ],
    ),
    (
        "pgbouncer-write",
        "from pgbouncer it leads to pg-patroni2, not to the leader pg-patroni1",
        lambda w: w.change(
            "pgbouncer",
            "-p 6432",
            lambda n, c, s: "192.168.60.12|f" if "inet_server" in s else w._through_pgbouncer(n, c, s),
        ),
    ),
    (
        "pgbouncer-write",
        "pg-patroni3 does not show the row written through PgBouncer",
        lambda w: w.change("pg-patroni3", "select value", 'ERROR:  relation "labgen_check_1" does not exist\n'),
    ),
    (
        "floating-ip",
        "192.168.60.55 is on pg-patroni2, not on the leader pg-patroni1",
        lambda w: w.change("pg-patroni1", "^ip", addresses("192.168.60.11/24")).change(
            "pg-patroni2", "^ip", addresses("192.168.60.12/24", "192.168.60.55/24")
        ),
    ),
    (
        "floating-ip",
        "192.168.60.55 is on pg-patroni3 as well as on the leader pg-patroni1",
        lambda w: w.change("pg-patroni3", "^ip", addresses("192.168.60.13/24", "192.168.60.55/24")),
    ),
    (
        "floating-ip",
        "192.168.60.55 is on no node; the leader is pg-patroni1",
        lambda w: w.change("pg-patroni1", "^ip", addresses("192.168.60.11/24")),
    ),
    (
        "floating-ip",
        "192.168.60.55 has the prefix /32 on pg-patroni1, expected /24",
        lambda w: w.change("pg-patroni1", "^ip", addresses("192.168.60.11/24", "192.168.60.55/32")),
    ),
    (
        "floating-ip",
        'pgbouncer: exit 2: psql: error: connection to server at "192.168.60.55", port 5432 failed: No route to host',
        lambda w: w.change("pgbouncer", "60.55 -p 5432", NO_SQL),
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
        ("services", "pg-patroni3 does not answer", lambda w: w.change("pg-patroni3", "", DEAD)),
        ("services", "pgbouncer: systemctl says ''", lambda w: w.change("pgbouncer", "^systemctl", "")),
        ("ports", "pg-patroni3 does not answer", lambda w: w.change("pg-patroni3", "", DEAD)),
        (
            "ports",
            "pgbouncer: exit 127: ss: not found",
            lambda w: w.change("pgbouncer", "^ss", Result("", 127, "", "ss: not found")),
        ),
        (
            "secrets",
            "no file with a secret was found on any node, so the search itself is in doubt",
            lambda w: w.change(EVERYWHERE, "grep -rlsF", ""),
        ),
        (
            "consul-members",
            "no table headed Node Address Status Type in the answer: ''",
            lambda w: w.change(EVERYWHERE, "members", ""),
        ),
        (
            "consul-raft",
            "pgbouncer: /v1/status/leader answers ''",
            lambda w: w.change("pgbouncer", "status/leader", ""),
        ),
        ("patroni-cluster", "patronictl printed no table: ''", lambda w: w.change(PATRONIS, "patronictl", "")),
        ("patroni-cluster", "REST /cluster answers '{'", lambda w: w.change(PATRONIS, "8008/cluster", "{")),
        ("patroni-rest", "pg-patroni3 does not answer", lambda w: w.change("pg-patroni3", "", DEAD)),
        (
            "pgbouncer-write",
            "Patroni names no leader",
            lambda w: w.change(PATRONIS, "8008/", raw("patroni_cluster/nobody")),
        ),
        ("pgbouncer-write", "pg-patroni3 does not answer", lambda w: w.change("pg-patroni3", "", DEAD)),
    ],
)
def test_does_not_know(name: str, detail: str, spoil: Callable[[Healthy], object]) -> None:
    world = Healthy()
    spoil(world)
    result = run(name, world)
    assert (result.status, result.detail) == (Status.UNKNOWN, detail)


def test_one_dead_node_does_not_hide_a_fault_elsewhere() -> None:
    world = Healthy().change("pg-patroni3", "", DEAD).change("pg-patroni2", "^systemctl", raw("services/failed"))
    result = run("services", world)
    assert result.status is Status.FAIL
    assert result.detail == "pg-patroni2: patroni.service has failed; pg-patroni3 does not answer"


def test_any_node_may_answer_for_all() -> None:
    world = Healthy().change("pg-patroni1", "patronictl", Result("", 1, "", "no DCS")).change("consul-node1", "", DEAD)
    assert run("patroni-cluster", world).status is Status.PASS
    assert run("consul-members", world).status is Status.PASS


@pytest.mark.parametrize("spoiled", [False, True])
def test_the_written_table_is_taken_away(spoiled: bool) -> None:
    world = Healthy()
    if spoiled:
        world.change("pg-patroni3", "select value", DEAD)
    run("pgbouncer-write", world)
    assert world.written
    assert world.tables == []


def test_no_secret_in_commands_or_evidence() -> None:
    world = Healthy().change("pgbouncer", "^ps ", f"root psql password={SECRET}\n")
    report = run_checks(lab(), SECRETS, world.nodes)
    values = [value for group in SECRETS.values() for value in group.values()]
    commands = [command for node in world.nodes.values() for command, _ in node.heard]
    assert len(commands) > 50
    assert not [command for command in commands for value in values if value in command]
    assert not [value for value in values if value in repr(report)]
    assert "password=‹secret patroni.app_password›" in repr(report)


def test_if_no_node_can_answer_the_first_no_is_told() -> None:
    world = Healthy().change("consul-node1", "list-peers", DEAD)
    for number in (2, 3):
        world.change(f"consul-node{number}", "list-peers", Result("", 1, "", f"Error {number}: No cluster leader"))
    result = run("consul-raft", world)
    assert (result.status, result.detail) == (Status.FAIL, "consul-node2: exit 1: Error 2: No cluster leader")
