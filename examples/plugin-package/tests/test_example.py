"""What the package adds, without a lab: run where labgen and the package are installed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from labgen_example.checks import holders
from labgen_example.faults import HANG

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import Check, Status
from labgen.checks.context import Answers
from labgen.components.registry import component_folders, load_component
from labgen.faults.registry import find_fault
from labgen.lab.resolve import resolve
from labgen.plugins import CHECKS, load_plugin
from labgen.providers import Capability, get_provider

LO = "lo               UNKNOWN        127.0.0.1/8\n"
SHOWN = {
    "pg1": f"{LO}eth1             UP             192.168.71.11/24 192.168.71.55/24\n",
    "pg2": f"{LO}eth1             UP             192.168.71.12/24\n",
    "pg3": f"{LO}eth1             UP             192.168.71.155/24\n",
}


def test_an_address_is_found_whole() -> None:
    assert holders(SHOWN, "192.168.71.55") == ["pg1"]
    assert holders(SHOWN, "192.168.71.5") == []


@pytest.mark.parametrize(
    ("shown", "status", "told"),
    [
        (SHOWN, Status.PASS, "192.168.71.55 is on pg1"),
        ({**SHOWN, "pg2": SHOWN["pg1"]}, Status.FAIL, "192.168.71.55 is on pg1, pg2"),
        ({"pg2": SHOWN["pg2"]}, Status.FAIL, "192.168.71.55 is on no node"),
    ],
)
def test_the_check(shown: dict[str, str], status: Status, told: str) -> None:
    nodes = [SimpleNamespace(name=name, settings={"vip-manager": {"address": "192.168.71.55"}}) for name in shown]
    context = SimpleNamespace(
        lab=SimpleNamespace(nodes_with=lambda _: nodes), each=lambda nodes, command: Answers(outputs=dict(shown))
    )
    outcome = load_plugin(CHECKS, "vip-one-holder", Check).judge(context)
    assert (outcome.status, outcome.detail) == (status, told)


def test_the_fault_is_undone() -> None:
    assert find_fault("vip-manager-hang") is HANG
    (injection,) = HANG.plan(None, SimpleNamespace(name="pg1"), {})
    assert injection.node == "pg1"
    assert "--signal=STOP" in injection.command
    assert injection.undo == injection.command.replace("STOP", "CONT")


def test_the_component_and_the_blueprint_are_sound() -> None:
    versions = load_component(component_folders()["vip-manager"]).manifest.versions
    assert versions == {"debian-13": "3.0.0", "debian-14": "5.0"}
    lab = resolve(load_blueprint(find_blueprint("etcd-vip-manager")), provider="crates")
    assert [node.name for node in lab.nodes_with("vip-manager")] == ["pg1", "pg2", "pg3"]


def test_the_provider_can_do_less_than_docker() -> None:
    crates, docker = get_provider("crates"), get_provider("docker")
    assert crates.capabilities < docker.capabilities
    assert Capability.PAUSE not in crates.capabilities
    assert crates.snapshotter is None
