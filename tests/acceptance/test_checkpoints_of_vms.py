"""Four virtual machines, kept with their memory and brought back to it. They run in this order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.live import LiveLab, run

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(7200)]

PATRONI = ("node1", "node2", "node3")
VIRSH = ("virsh", "-c", "qemu:///system")


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """The lab, booted."""
    addresses = {node: f"10.10.1.1{number}" for number, node in enumerate(PATRONI, 1)}
    lab = module_labs("acceptance-kept", made_from=("etcd-patroni-ops",), patroni=addresses)
    lab.first_up = lab.up("--provider", "libvirt")
    return lab


def sql(lab: LiveLab, query: str) -> str:
    """What the superuser gets from the leader."""
    return lab.exec(lab.leader(), "runuser", "-u", "postgres", "--", "psql", "-XAtqc", query)


def snapshots(lab: LiveLab, node: str) -> list[str]:
    return run(*VIRSH, "snapshot-list", lab.container(node), "--name").stdout.split()


def boot_id(lab: LiveLab, node: str) -> str:
    return lab.exec(node, "cat", "/proc/sys/kernel/random/boot_id")


def behind(lab: LiveLab, node: str) -> float:
    """Seconds that the clock of NODE is behind this machine's, at most: it takes time to hear of it."""
    there = float(lab.exec(node, "date", "+%s.%N"))
    return time.time() - there


def test_a_lab_that_runs_is_kept_with_its_memory(lab: LiveLab) -> None:
    sql(lab, "create table kept (what text)")
    sql(lab, "insert into kept values ('before the accident')")
    lab.exec("node1", "sh", "-c", "echo in memory > /run/kept")
    made = lab.labgen.json("checkpoint", "save", lab.name, "well")
    assert made["condition"] == "verified", made["about"]
    assert made["mib"] > 0
    assert all(len(snapshots(lab, node)) == 1 for node in ("node0", *PATRONI))
    states = run(*VIRSH, "list", "--state-paused", "--name").stdout
    assert f"labgen-{lab.name}-" not in states
    lab.verify(settle=240)
    assert all(behind(lab, node) < 10 for node in ("node0", *PATRONI))


def test_a_running_cluster_comes_back_as_it_was(lab: LiveLab) -> None:
    boots = {node: boot_id(lab, node) for node in PATRONI}
    leader = lab.leader()
    timelines = {name: about["timeline"] for name, about in lab.members().items()}
    sql(lab, "drop table kept")
    lab.exec("node1", "rm", "/run/kept")
    run(*VIRSH, "destroy", lab.container(leader))
    time.sleep(60)

    done = lab.labgen("checkpoint", "restore", lab.name, "well")
    assert "is back at well" in done.stdout
    # The same boot, the same leader, the same timeline: they went on where they were.
    assert {node: boot_id(lab, node) for node in PATRONI} == boots
    assert lab.exec("node1", "cat", "/run/kept") == "in memory"
    lab.verify(settle=240)
    assert lab.leader() == leader
    assert {name: about["timeline"] for name, about in lab.members().items()} == timelines
    assert sql(lab, "select what from kept") == "before the accident"
    assert all(behind(lab, node) < 10 for node in ("node0", *PATRONI))


def test_a_second_one_and_back_to_the_first(lab: LiveLab) -> None:
    sql(lab, "insert into kept values ('later')")
    lab.labgen("checkpoint", "save", lab.name, "later", "--no-verify")
    lab.labgen("checkpoint", "restore", lab.name, "well")
    assert sql(lab, "select count(*) from kept") == "1"
    lab.labgen("checkpoint", "restore", lab.name, "later")
    assert sql(lab, "select count(*) from kept") == "2"
    lab.labgen("checkpoint", "delete", lab.name, "later")
    assert [line["name"] for line in lab.labgen.json("checkpoint", "list", lab.name)] == ["well"]
    assert all(len(snapshots(lab, node)) == 1 for node in ("node0", *PATRONI))


def test_a_halted_lab_comes_back_too(lab: LiveLab) -> None:
    lab.labgen("halt", lab.name, timeout=3600)
    done = lab.labgen("checkpoint", "restore", lab.name, "well")
    assert "is back at well" in done.stdout
    assert sql(lab, "select count(*) from kept") == "1"
    report = json.loads(lab.labgen("status", lab.name, "--json").stdout)
    assert (report["status"], report["pending"]) == ("up", 0)


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    for words in (("list", "--all"), ("net-list", "--all"), ("vol-list", "default")):
        assert f"labgen-{lab.name}" not in run(*VIRSH, *words).stdout
    assert not lab.folder.exists()
