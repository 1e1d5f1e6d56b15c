"""Three virtual machines with a VIP: it leaves the one whose HAProxy stops. They run in this order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live import LiveLab, libvirt_things, until

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(7200)]

NODES = {f"postgresql-patroni0{number}": f"192.168.13.{44 + number}" for number in (1, 2, 3)}
VIP = "192.168.13.48"


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """The lab, booted."""
    lab = module_labs("acceptance-vip", made_from=("etcd-haproxy-keepalived",), patroni=NODES)
    lab.first_up = lab.up("--provider", "libvirt")
    return lab


def holder(lab: LiveLab) -> str:
    """The one node that has the VIP; empty while there is none, or several."""
    found = [node for node in NODES if f" {VIP}/" in lab.exec(node, "ip", "-4", "-o", "address", "show", expect=None)]
    return found[0] if len(found) == 1 else ""


def test_up_ends_with_every_check_passed(lab: LiveLab) -> None:
    assert lab.first_up is not None
    assert "keepalived-vip" in lab.first_up.stdout
    assert lab.exec(next(iter(NODES)), "systemd-detect-virt") in ("kvm", "qemu")


def test_the_vip_moves_to_another_machine_and_all_is_well_there(lab: LiveLab) -> None:
    old = holder(lab)
    assert old
    lab.exec(old, "systemctl", "stop", "haproxy")
    until("the VIP elsewhere", 120, lambda: holder(lab) not in ("", old))
    new = holder(lab)
    lab.exec(old, "systemctl", "start", "haproxy")
    lab.verify(settle=240)
    assert holder(lab) == new


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert libvirt_things(lab.name) == []
    assert not lab.folder.exists()
