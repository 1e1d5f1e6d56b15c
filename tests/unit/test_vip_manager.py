"""The example package, built and installed beside labgen, which then knows its component and its blueprint."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from tests.outside import VIP_MANAGER, build_wheel, python_with

PACKAGE = VIP_MANAGER / "labgen_vip_manager"
CONFIG = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}


@pytest.fixture(scope="module")
def labgen(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """`labgen … --json` where the package is installed, run from a folder that is no checkout."""
    folder = tmp_path_factory.mktemp("outside")
    python = python_with(VIP_MANAGER, folder)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LABGEN"))}
    environment["LABGEN_STATE"] = str(folder / "state")

    def ask(*words: str) -> Any:
        words = (str(python), "-m", "labgen", *words, "--json")
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_list_shows_its_blueprint(labgen: Callable[..., Any]) -> None:
    names = {line["name"] for line in labgen("list")["blueprints"]}
    assert {"etcd-vip-manager", "consul-pgbouncer"} <= names


def test_show_knows_its_component(labgen: Callable[..., Any]) -> None:
    shown = labgen("show", "etcd-vip-manager", "--provider", "docker")
    assert shown["versions"]["vip-manager"] == "3.0.0"
    assert "vip-in-place" in shown["checks"]
    assert shown["nodes"][0]["settings"]["vip-manager"] == {"address": "192.168.71.55"}


def test_the_wheel_holds_data_and_a_marker_only(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_wheel(VIP_MANAGER, tmp_path)).namelist()
    (marker,) = (name for name in names if name.endswith(".py"))
    assert marker == "labgen_vip_manager/__init__.py"
    assert len((PACKAGE / "__init__.py").read_text().splitlines()) == 1
    there = {path.relative_to(VIP_MANAGER) for path in PACKAGE.rglob("*") if path.is_file()}
    assert {str(path) for path in there if "__pycache__" not in path.parts} <= set(names)


def refusal(*words: str) -> LabgenError:
    with pytest.raises(LabgenError) as caught:
        resolve(load_blueprint(PACKAGE / "etcd-vip-manager.yml", (PACKAGE,)), provider="docker", overrides=words)
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
    assert refused.cure == "it is made for debian-13"


# --- as drills see it -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vip_manager() -> Lab:
    return resolve(load_blueprint(PACKAGE / "etcd-vip-manager.yml", (PACKAGE,)), provider="docker")


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
