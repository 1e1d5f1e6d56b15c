"""Drills on virtual machines: one loses its power, one answers late. They run in this order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from labgen.drill.judge.log import read_log
from tests.live import LiveLab, libvirt_things, run

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(7200)]

PATRONI = ("node1", "node2", "node3")


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """The lab, booted: one etcd and three members, no proxy."""
    addresses = {node: f"10.10.1.1{number}" for number, node in enumerate(PATRONI, 1)}
    lab = module_labs("acceptance-drills", made_from=("etcd-patroni-ops",), patroni=addresses)
    lab.up("--provider", "libvirt")
    return lab


def test_power_loss(lab: LiveLab) -> None:
    old = lab.leader()
    found = lab.drill("power-loss", "--set", "expect.outage=300", timeout=1200)
    assert found["verdict"] == "pass", found["faults"]
    assert found["provider"] == "libvirt"
    assert found["operations"] == [f"{old} loses power"]
    assert found["writes"]["lost"] == 0
    assert found["two_leaders"] == []
    (libpq,) = found["paths"]
    ttl, loop = found["timers"]["ttl"], found["timers"]["loop_wait"]
    assert libpq["gap"] > ttl - loop - 1
    assert libpq["held"]
    assert lab.leader() not in ("", old)
    # The machine is on again, and its member has rejoined.
    state = run("virsh", "-c", "qemu:///system", "domstate", lab.container(old)).stdout.strip()
    assert state == "running"
    lab.verify(settle=240)


def test_delay(lab: LiveLab) -> None:
    leader = lab.leader()
    found = lab.drill("delay", "--set", "hold=15", "--set", "faults.0.values={delay: 300}", timeout=600)
    assert found["verdict"] == "pass", found["faults"]
    assert found["timelines"][1] is None
    log = read_log(Path(found["log"]))
    (fault,), (heal,) = log.faults, log.heals
    during = [one.end - one.start for one in log.writes if fault.end <= one.start and one.end <= heal.start]
    before = [one.end - one.start for one in log.writes if one.end <= fault.start]
    # What answers late answers each write late.
    assert min(during) >= 0.3
    assert median(during) > median(before) + 0.25
    assert "netem" not in lab.exec(leader, "tc", "qdisc", "show")
    lab.verify(settle=240)


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert libvirt_things(lab.name) == []
