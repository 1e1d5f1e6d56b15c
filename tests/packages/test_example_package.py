"""The example package, built and installed beside labgen, which then has what it adds; and its own tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from labgen.blueprint.loader import load_blueprint
from labgen.cluster.state import ClusterState, vip_of
from labgen.drill.judge.predict import Route, predict, route_of
from labgen.drill.run.clients import load_paths
from labgen.errors import LabgenError
from labgen.faults.model import Effect
from labgen.faults.registry import find_fault
from labgen.faults.targets import find_targets
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from tests.outside import PACKAGE, Outside, build_wheel, python_with_wheels

HOME = PACKAGE / "labgen_example"
CONFIG = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(PACKAGE, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def labgen(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Outside:
    folder = tmp_path_factory.mktemp("outside")
    return Outside(python_with_wheels(folder, wheel), folder)


def test_its_own_tests_pass(labgen: Outside) -> None:
    said = labgen.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE / "tests")).stdout
    assert " passed" in said


def test_all_that_it_adds_is_loaded(labgen: Outside) -> None:
    plugins = labgen.json("plugins")["plugins"]
    assert {(plugin["group"], *plugin["adds"]) for plugin in plugins} == {
        ("labgen.blueprints", "etcd-vip-manager"),
        ("labgen.components", "vip-manager"),
        ("labgen.providers", "crates"),
        ("labgen.checks", "vip-one-holder"),
        ("labgen.faults", "vip-manager-hang"),
        ("labgen.commands", "vip"),
    }
    assert {plugin["status"] for plugin in plugins} == {"loaded"}


def test_list_shows_its_blueprint(labgen: Outside) -> None:
    names = {line["name"] for line in labgen.json("list")["blueprints"]}
    assert {"etcd-vip-manager", "consul-pgbouncer"} <= names


def test_show_knows_its_component_and_its_checks(labgen: Outside) -> None:
    shown = labgen.json("show", "etcd-vip-manager", "--provider", "crates")
    assert shown["provider"] == "crates"
    assert shown["versions"]["vip-manager"] == "3.0.0"
    assert {"vip-in-place", "vip-one-holder"} <= set(shown["checks"])
    assert shown["nodes"][0]["settings"]["vip-manager"] == {"address": "192.168.71.55"}


def test_its_command_is_listed_and_refuses_a_lab_that_is_not(labgen: Outside) -> None:
    assert "vip          From the package labgen-example-plugins 1.0." in labgen.run("--help").stdout
    assert "Say which node has the lab's address." in labgen.run("vip", "--help").stdout
    assert "no lab is called 'nowhere'" in labgen.run("vip", "nowhere", expect=2).stderr


def test_the_wheel_is_whole(wheel: Path) -> None:
    there = {path.relative_to(PACKAGE) for path in HOME.rglob("*") if path.is_file()}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {str(path) for path in there if "__pycache__" not in path.parts} <= held


def refusal(*words: str) -> LabgenError:
    with pytest.raises(LabgenError) as caught:
        resolve(load_blueprint(HOME / "etcd-vip-manager.yml", (HOME,)), provider="docker", overrides=words)
    return caught.value


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (
            "patroni.dcs=etcd",
            "vip-manager reads etcd's present API, and Patroni writes by another (dcs is etcd, not etcd3)",
        ),
        (
            "vip-manager.address=192.168.71.56",
            "PostgreSQL must listen on 192.168.71.56 too; set patroni.floating_address to it",
        ),
    ],
)
def test_its_rules(word: str, told: str) -> None:
    assert any(line.endswith(f": {told} (on pg1, pg2, pg3)") for line in refusal(word).detail)


def test_other_systems_are_refused_by_name() -> None:
    refused = refusal("os=debian-12")
    assert refused.what == "the component 'vip-manager' is not made for debian-12"
    assert refused.cure == "it is made for debian-13, debian-14"


# --- as drills see it -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vip_manager() -> Lab:
    return resolve(load_blueprint(HOME / "etcd-vip-manager.yml", (HOME,)), provider="docker")


def test_the_vip_of_a_component_from_outside_is_seen(vip_manager: Lab) -> None:
    assert vip_of(vip_manager) == "192.168.71.55"
    cluster = ClusterState(vip_manager, "pg1", 1, ("pg2", "pg3"), (), "pg1")
    assert find_targets("vip-holder", cluster) == ("pg1",)
    fault = find_fault("vip-stop")
    fault.refuse(cluster, ("pg1",))
    (injection,) = fault.plan(cluster, vip_manager.node("pg1"), {})
    assert injection.command == "systemctl stop vip-manager"
    assert injection.undo
    assert str(injection.undo).endswith("systemctl start --no-block vip-manager")


def test_a_path_through_it_is_predicted(vip_manager: Lab) -> None:
    assert route_of(vip_manager, "192.168.71.55", 5432) == Route(("vip-manager",))
    (path,) = (path for path in load_paths(vip_manager, "pg2") if path.name == "vip")
    span = predict(Effect.LEASE_EXPIRES, Route(path.through), vip_manager, CONFIG)
    direct = predict(Effect.LEASE_EXPIRES, Route(), vip_manager, CONFIG)
    assert span
    assert direct
    assert span.high == direct.high + 1
    assert span.why.endswith("+ vip-manager")
