"""The failover walk of the fourth document: look, stop the leader's Patroni, look, connect, start it, look again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live import WHERE, LiveLab, docker_things, until

BLUEPRINT = "etcd-haproxy"
NODES = {"postgres01": "10.131.0.15", "postgres02": "10.131.0.32", "postgres03": "10.131.0.6"}
HAPROXY = ("10.131.0.3", 5432)


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """The lab, booted."""
    lab = module_labs("etcd-haproxy", made_from=(BLUEPRINT,), patroni=NODES)
    lab.first_up = lab.up("--provider", "docker")
    return lab


def sql(lab: LiveLab, source: str, statement: str) -> str:
    """What a client of HAProxy gets for STATEMENT, asked from the node SOURCE."""
    return lab.superuser(source, *HAPROXY, statement)


def states(lab: LiveLab) -> dict[str, str]:
    """Server → UP or DOWN behind HAProxy, as its page with statistics shows it."""
    page = lab.exec("haproxy", "curl", "-fsS", f"http://{HAPROXY[0]}:8080/;csv")
    rows = [line.split(",") for line in page.splitlines()]
    return {row[1]: row[17] for row in rows if row[0] == "primary" and row[1] in NODES}


def test_up_warns_of_the_single_etcd_and_ends_with_every_check_passed(lab: LiveLab) -> None:
    assert lab.first_up is not None
    assert "single" in lab.first_up.said
    for check in ("etcd-members", "etcd-leader", "patroni-cluster", "haproxy-servers", "haproxy-sql"):
        assert check in lab.first_up.stdout


def test_the_walk(lab: LiveLab) -> None:
    old = lab.leader()
    other = next(node for node in NODES if node != old)
    assert states(lab) == {node: "UP" if node == old else "DOWN" for node in NODES}
    assert sql(lab, other, WHERE) == NODES[old]
    sql(lab, other, "create table if not exists kept (what text)")
    sql(lab, other, "insert into kept values ('before the stop')")

    lab.exec(old, "systemctl", "stop", "patroni")
    until("another leader", 60, lambda: lab.leader() not in ("", old))
    new = lab.leader()
    until("SQL by HAProxy", 60, lambda: lab.leads(other, *HAPROXY))
    assert sql(lab, other, WHERE) == NODES[new]
    assert sql(lab, other, "select what from kept") == "before the stop"
    assert states(lab) == {node: "UP" if node == new else "DOWN" for node in NODES}

    lab.exec(old, "systemctl", "start", "patroni")
    lab.verify(settle=120)
    assert lab.leader() == new
    assert lab.members()[old]["role"] == "replica"
    assert lab.members()[old]["timeline"] == lab.members()[new]["timeline"]


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []


def test_the_published_profile_boots_and_verifies(labs: Callable[..., LiveLab]) -> None:
    lab = labs("etcd-haproxy-published", made_from=(BLUEPRINT,), patroni=NODES)
    lab.up("--provider", "docker", "--profile", "published")
    lab.verify(settle=60)
    assert "patroni 2.0.2" in lab.exec("postgres01", "patroni", "--version")
    assert "version 2.2.9" in lab.exec("haproxy", "haproxy", "-v")
    assert "etcd Version: 3.3.25" in lab.exec("etcd", "etcd", "--version")
    lab.labgen("destroy", lab.name, "--yes")
