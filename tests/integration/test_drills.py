"""Drills on real labs: no power, a cut network, a DCS without majority, a lost proxy; and three that must fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import UNTIMED, LiveLab, paths, until
from tests.outside import EXAMPLES

OCTET = int(os.environ.get("TEST_SUBNET", "192.168.60").rsplit(".", 1)[-1]) + 1
NETWORK = f"192.168.{OCTET}.0/24"
# Shorter timers than the blueprint's make the same failovers in half the time.
QUICK = ("--set", "patroni.ttl=20", "--set", "patroni.loop_wait=5", "--set", "patroni.retry_timeout=5")


def made(module_labs: Callable[..., LiveLab], blueprint: str, name: str, patroni: dict[str, str]) -> LiveLab:
    prefix = NETWORK.rsplit(".", 1)[0]
    addresses = {node: f"{prefix}.{last}" for node, last in patroni.items()}
    lab = module_labs(name, made_from=(blueprint, "--set", f"network.cidr={NETWORK}", *QUICK), patroni=addresses)
    lab.up("--provider", "docker")
    return lab


@pytest.fixture(scope="module")
def plain(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """One etcd, one HAProxy, asynchronous replication."""
    return made(module_labs, "etcd-haproxy", "drills", {"postgres01": "15", "postgres02": "32", "postgres03": "6"})


@pytest.fixture(scope="module")
def equal(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """Three nodes alike: etcd, HAProxy and a VIP on each, synchronous replication."""
    names = [f"postgresql-patroni0{number}" for number in (1, 2, 3)]
    return made(module_labs, "etcd-haproxy-keepalived", "drills-vip", dict(zip(names, ("45", "46", "47"), strict=True)))


@pytest.fixture(scope="module")
def pair(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """Two nodes, and etcd on both: neither can be spared."""
    return made(module_labs, str(EXAMPLES / "etcd-pair.yml"), "drills-pair", {"pg1": "11", "pg2": "12"})


def test_power_loss(plain: LiveLab) -> None:
    old = plain.leader()
    found = plain.drill("power-loss", *UNTIMED)
    assert found["verdict"] == "pass", found["faults"]
    assert found["writes"]["lost"] == 0
    assert plain.leader() != old
    assert found["timelines"][1] > found["timelines"][0]
    for path in paths(found).values():
        # The lease was 15 to 20 seconds from its end; nothing can be quicker.
        assert path["gap"] > 14
        assert path["held"]
        assert path["new_timeline"] > 14
    assert found["leader_key"] > 14
    plain.verify()


def test_a_drill_that_must_fail_does(plain: LiveLab) -> None:
    """Nothing reaches the replicas for three seconds, then the leader dies: what it had acknowledged is lost."""
    found = plain.drill("replication-cut", expect=1)
    assert found["verdict"] == "fail"
    assert found["writes"]["lost"] > 20
    assert any("acknowledged writes lost" in reason for reason in found["faults"])
    plain.verify(settle=30)


def test_a_killed_patroni_leaves_postgresql_alive(plain: LiveLab) -> None:
    """Nobody stops the old leader, which goes on while another one leads: what a watchdog is for."""
    found = plain.drill("patroni-kill", expect=1)
    assert any("two leaders at once" in reason for reason in found["faults"])
    assert paths(found)["libpq"]["gap"] < 14
    plain.verify(settle=30)


def test_a_killed_labgen_leaves_what_heal_undoes(plain: LiveLab, tmp_path: Path) -> None:
    old = plain.leader()
    with plain.labgen.started("drill", "run", plain.name, "partition", log=tmp_path / "log") as child:
        until("the fault", 60, lambda: "clsact" in plain.exec(old, "tc", "qdisc", "show"))
        busy = plain.labgen("drill", "run", plain.name, "freeze", expect=3)
        assert "another labgen is at work" in busy.stderr
        os.killpg(child.pid, signal.SIGKILL)
    refused = plain.labgen("drill", "run", plain.name, "freeze", expect=1)
    assert "was cut off" in refused.stderr
    assert f"labgen drill heal {plain.name}" in refused.stderr
    (log,) = (plain.folder / "drills").glob("partition-*.jsonl")
    assert plain.labgen.json("drill", "recheck", str(log), expect=1)["verdict"] == "unknown"
    assert "healed: " in plain.labgen("drill", "heal", plain.name).stdout
    assert "clsact" not in plain.exec(old, "tc", "qdisc", "show")
    assert "nothing to heal" in plain.labgen("drill", "heal", plain.name).stdout
    plain.verify(settle=90)


def test_ctrl_c_heals(plain: LiveLab, tmp_path: Path) -> None:
    proxy = "haproxy"
    with plain.labgen.started("drill", "run", plain.name, "proxy-stop", log=tmp_path / "log") as child:
        until(
            "the fault", 60, lambda: plain.exec(proxy, "systemctl", "is-active", "haproxy", expect=None) == "inactive"
        )
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(60) == 130
    assert "what it had done to the lab drills is undone" in (tmp_path / "log").read_text()
    assert plain.exec(proxy, "systemctl", "is-active", "haproxy") == "active"
    # Neither its own table is left nor that of the one that was killed before.
    tables = "select count(*) from pg_tables where tablename like 'labgen_drill%'"
    assert plain.exec(plain.leader(), "runuser", "-u", "postgres", "--", "psql", "-XAtd", "app", "-c", tables) == "0"
    assert not (plain.folder / "drill.json").exists()


def test_a_sick_cluster_is_refused(plain: LiveLab) -> None:
    replica = next(node for node in plain.patroni if node != plain.leader())
    plain.exec(replica, "systemctl", "stop", "patroni")
    refused = plain.labgen("drill", "run", plain.name, "power-loss", expect=1)
    assert "is not healthy" in refused.stderr
    assert replica in refused.stderr
    plain.exec(replica, "systemctl", "start", "patroni")
    plain.verify(settle=60)
    plain.labgen("destroy", plain.name, "--yes")


def test_partition(equal: LiveLab) -> None:
    old = equal.leader()
    found = equal.drill("leader-cut-off", *UNTIMED)
    assert found["verdict"] == "pass", found["faults"]
    assert found["two_leaders"] == []
    assert equal.leader() != old
    assert "clsact" not in equal.exec(old, "tc", "qdisc", "show")
    assert equal.exec(old, "systemctl", "list-units", "--all", "--plain", "--no-legend", "labgen-drill-*") == ""


def test_dcs_quorum_loss(equal: LiveLab) -> None:
    found = equal.drill("etcd-lost", "--set", "hold=20")
    assert found["verdict"] == "pass", found["faults"]
    for path in paths(found).values():
        # Nobody may write for as long as there is no majority; reading goes on.
        assert path["for"] == "reading" or path["gap"] > 5
        assert not path["open"]
    assert found["writes"]["lost"] == 0


def test_proxy_loss(equal: LiveLab) -> None:
    found = equal.drill("haproxy-lost", *UNTIMED)
    assert found["verdict"] == "pass", found["faults"]
    assert paths(found)["libpq"]["gap"] < paths(found)["vip-primary"]["gap"]
    assert paths(found)["vip-primary"]["held"]
    assert found["timelines"][1] is None
    equal.labgen("destroy", equal.name, "--yes")


def test_two_members_of_etcd_tolerate_no_loss(pair: LiveLab) -> None:
    found = pair.drill("etcd-member-lost", "--set", "hold=15", expect=1)
    (libpq,) = found["paths"]
    assert f"libpq: {libpq['gap']:.1f} s without an acknowledged write, expected at most 5 s" in found["faults"]
    assert not libpq["held"]
    assert not libpq["open"]
    assert found["leader_key"] is None
    assert found["writes"]["lost"] == 0
    pair.labgen("destroy", pair.name, "--yes")
