"""The profile next: Debian 14, which is not released, and what is new there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live import WHERE, LiveLab, docker_things, until

BLUEPRINT = "etcd-haproxy"
NODES = {"postgres01": "10.131.0.15", "postgres02": "10.131.0.32", "postgres03": "10.131.0.6"}
HAPROXY = ("10.131.0.3", 5432)
LONGER_THAN_ITS_UNIT_WAITS = 45  # seconds; Debian's says 30


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    lab = module_labs("next", made_from=(BLUEPRINT, "--profile", "next"), patroni=NODES)
    lab.first_up = lab.up("--provider", "docker")
    return lab


def test_it_boots_and_verifies(lab: LiveLab) -> None:
    lab.verify(settle=60)
    assert "patroni 4.1." in lab.exec("postgres01", "patroni", "--version")
    assert "version 3.2." in lab.exec("haproxy", "haproxy", "-v")
    assert "etcd Version: 3.5." in lab.exec("etcd", "etcd", "--version")
    assert lab.superuser("postgres01", *HAPROXY, "show server_version").startswith("18.")


def test_each_node_has_control_groups_of_its_own(lab: LiveLab) -> None:
    """With cgroup v2 alone; a host that has both versions lends its newer ones."""
    groups = {node: lab.exec(node, "grep", "^0::", "/proc/1/cgroup") for node in ("etcd", "haproxy", *NODES)}
    assert len(set(groups.values())) == len(groups)
    assert lab.exec("etcd", "stat", "-fc", "%T", "/sys/fs/cgroup") == "cgroup2fs"


def test_patroni_waits_for_its_dcs(lab: LiveLab) -> None:
    """Its unit tells systemd that it is there when etcd has answered, and is not to give up before."""
    replica = next(node for node in NODES if node != lab.leader())
    lab.exec("etcd", "systemctl", "stop", "etcd")
    lab.exec(replica, "systemctl", "restart", "--no-block", "patroni")
    lab.exec(replica, "sleep", str(LONGER_THAN_ITS_UNIT_WAITS))
    unit = lab.exec(replica, "systemctl", "show", "patroni", "--property=ActiveState,NRestarts", "--value").split()
    assert sorted(unit) == ["0", "activating"]
    lab.exec("etcd", "systemctl", "start", "etcd")
    lab.verify(settle=120)


def test_a_failover_and_the_way_back(lab: LiveLab) -> None:
    old = lab.leader()
    other = next(node for node in NODES if node != old)
    lab.exec(old, "systemctl", "stop", "patroni")
    until("another leader", 60, lambda: lab.leader() not in ("", old))
    new = lab.leader()
    until("SQL by HAProxy", 60, lambda: lab.leads(other, *HAPROXY))
    assert lab.superuser(other, *HAPROXY, WHERE) == NODES[new]
    lab.exec(old, "systemctl", "start", "patroni")
    lab.verify(settle=120)


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
