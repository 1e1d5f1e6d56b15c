"""The same blueprint in virtual machines. Emulated (without KVM) this takes about half an hour, most of it waiting."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live import BLUEPRINT, PATRONI, LiveLab, libvirt_things

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(7200)]


@pytest.fixture(scope="module")
def lab(module_labs: Callable[[str], LiveLab]) -> LiveLab:
    """The lab, booted."""
    lab = module_labs("acceptance")
    lab.first_up = lab.up("--provider", "libvirt")
    return lab


def test_up_verify_and_status(lab: LiveLab) -> None:
    assert lab.first_up is not None
    assert "is up" in lab.first_up.stdout
    assert "Lint" in lab.first_up.stderr
    assert "not checked" not in lab.first_up.stderr
    assert lab.verify(settle=120)["provider"] == "libvirt"
    found = lab.labgen.json("status", lab.name)
    assert (found["status"], found["pending"]) == ("up", 0)
    assert lab.exec("pgbouncer", "systemd-detect-virt") in ("kvm", "qemu")


def test_a_second_up_does_nothing(lab: LiveLab) -> None:
    before = (lab.step_starts(), [call for call in lab.vagrant_calls() if "up" in call])
    lab.up()
    assert (lab.step_starts(), [call for call in lab.vagrant_calls() if "up" in call]) == before


def test_rendered_files_are_checked_on_the_very_disk(lab: LiveLab) -> None:
    validate = ("validate", BLUEPRINT, "--files", "--provider", "libvirt")
    assert "every file accepted by its program" in lab.labgen(*validate).stdout
    wrong = "patroni.parameters={unix_socket_directories: 5}"
    assert "patroni --validate-config" in lab.labgen(*validate, "--set", wrong, expect=2).stderr


def test_a_switchover_takes_pgbouncer_and_the_floating_ip_along(lab: LiveLab) -> None:
    new = next(node for node in PATRONI if node != lab.leader())
    lab.switchover(new)
    lab.led_by(new, settle=240)


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert libvirt_things(lab.name) == []
    assert not lab.folder.exists()
