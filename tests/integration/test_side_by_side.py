"""Two labs of one blueprint at the same time. They run in this order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.blueprint.files import blueprint_files
from tests.live import LiveLab, docker_things

ADDRESSES = {"node0": ".10", "node1": ".11", "node2": ".12", "node3": ".13"}
OWN = "192.168.168"
NEXT = "192.168.169"


def blueprint(state: Path) -> Path:
    """The smallest of the built-in ones, where no lab of one's own is likely to be."""
    copy = state / "etcd-patroni-ops.yml"
    copy.write_text(blueprint_files()[copy.stem].read_text().replace("10.10.1.", f"{OWN}."))
    return copy


def up(lab: LiveLab) -> str:
    """What `up` says on its way."""
    file = str(blueprint(lab.labgen.state))
    return lab.labgen("up", file, "--name", lab.name, "--provider", "docker").stderr


@pytest.fixture(scope="module")
def one(module_labs: Callable[[str], LiveLab]) -> LiveLab:
    lab = module_labs("pair")
    assert "this one gets" not in up(lab)
    return lab


@pytest.fixture(scope="module")
def two(module_labs: Callable[[str], LiveLab], one: LiveLab) -> LiveLab:
    """The second copy, whose name begins with that of the first."""
    lab = module_labs("pair-two")
    said = up(lab)
    assert said.count(f"{OWN}.0/24 is the lab {one.name}'s: this one gets {NEXT}.0/24") == 1
    return lab


def addresses(lab: LiveLab) -> dict[str, str]:
    return {node["name"]: node["address"] for node in lab.labgen.json("status", lab.name)["nodes"]}


def test_each_has_a_network_of_its_own(one: LiveLab, two: LiveLab) -> None:
    for lab, base in ((one, OWN), (two, NEXT)):
        assert addresses(lab) == {node: base + last for node, last in ADDRESSES.items()}
        for node, last in ADDRESSES.items():
            assert f" {base}{last}/24 " in lab.exec(node, "ip", "-4", "-o", "address", "show")
    networks = {line["name"]: line["network"] for line in one.labgen.json("list")["labs"]}
    assert networks == {one.name: f"{OWN}.0/24", two.name: f"{NEXT}.0/24"}
    assert f"{NEXT}.11" in two.labgen("show", two.name).stdout


def test_both_verify(one: LiveLab, two: LiveLab) -> None:
    assert one.verify(settle=60)["lab"] == one.name
    assert two.verify(settle=60)["lab"] == two.name


def test_each_is_a_cluster_of_its_own(one: LiveLab, two: LiveLab) -> None:
    for lab, base in ((one, OWN), (two, NEXT)):
        cluster = json.loads(lab.exec("node1", "curl", "-fsSm5", f"http://{base}.11:8008/cluster"))
        assert {member["host"] for member in cluster["members"]} == {
            f"{base}{ADDRESSES[f'node{i}']}" for i in (1, 2, 3)
        }
    assert set(one.secrets()).isdisjoint(two.secrets())


def test_a_second_up_leaves_it_where_it_is(two: LiveLab) -> None:
    before = two.step_starts()
    assert "this one gets" not in up(two)
    assert two.step_starts() == before
    assert addresses(two)["node0"] == f"{NEXT}.10"


def test_one_goes_and_the_other_stays(one: LiveLab, two: LiveLab) -> None:
    one.labgen("destroy", one.name, "--yes")
    assert docker_things(one.name) == docker_things(two.name) != []  # the name of one is the beginning of the other's
    two.verify()
    assert "this one gets" not in up(two)
    assert addresses(two)["node0"] == f"{NEXT}.10"
    two.labgen("destroy", two.name, "--yes")
    assert docker_things(one.name) == []
    assert not one.folder.exists()
    assert not two.folder.exists()
