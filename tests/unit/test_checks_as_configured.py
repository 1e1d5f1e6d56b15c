"""What overrides want beside what the programs say they go by."""

from __future__ import annotations

import json

import pytest
from checks_world import SECRETS, FakeNode, Result

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import lab_checks, run_checks
from labgen.checks.builtin.settings import same_setting
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

LOADED = load_blueprint(find_blueprint("etcd-patroni-ops"))
WORDS = (
    "patroni.parameters.work_mem=8MB",
    "patroni.shared_parameters.wal_level=hot_standby",
    "patroni.ttl=40",
    "config.patroni.bootstrap.dcs.failsafe_mode=true",
    "config.etcd.ETCD_LOG_LEVEL=debug",
)
CONFIG = {"ttl": 40, "loop_wait": 10, "failsafe_mode": True}
ROWS = "wal_level|replica||f\nwork_mem|8192|kB|f\n"


def lab(*words: str) -> Lab:
    return resolve(LOADED, provider="docker", overrides=words)


def outcome(
    rows: str = ROWS, config: object = CONFIG, environment: object = "ETCD_LOG_LEVEL=debug\n"
) -> tuple[str, str]:
    nodes = {node.name: FakeNode(node.name) for node in lab().nodes}
    for node in nodes.values():
        node.script = [("pg_settings", rows), ("/config", json.dumps(config)), ("environ", environment)]
    result = run_checks(lab(*WORDS), SECRETS, nodes, ["as-configured"]).results[0]
    return result.status.value, result.detail


def test_only_a_lab_with_overrides_that_can_be_asked_for_has_it() -> None:
    assert "as-configured" not in lab_checks(lab())
    assert "as-configured" not in lab_checks(lab("os=debian-12"))
    for word in WORDS:
        assert lab_checks(lab(word))[-1] == "as-configured", word
    assert "as-configured" in lab_checks(lab("nodes.node2.patroni.parameters.work_mem=1MB"))


def test_all_in_force() -> None:
    assert outcome() == ("pass", "13 values of overrides in force")


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        ({"rows": ROWS.replace("8192", "4096")}, "node1: work_mem is 4096kB, not 8MB"),
        (
            {"rows": ROWS.replace("8192|kB|f", "4096|kB|t")},
            "work_mem is 4096kB, not 8MB, until PostgreSQL is restarted",
        ),
        ({"rows": "wal_level|replica||f\n"}, "node3: work_mem is not there, and was to be 8MB"),
        ({"config": {**CONFIG, "ttl": 30}}, "node2: ttl is 30, not 40"),
        ({"config": {"ttl": 40}}, "failsafe_mode is not there, and was to be true"),
        ({"environment": "ETCD_LOG_LEVEL=info\n"}, "node0: ETCD_LOG_LEVEL is info, not debug"),
    ],
)
def test_another_value_in_force(about: dict[str, object], fault: str) -> None:
    status, detail = outcome(**about)  # type: ignore[arg-type]
    assert status == "fail"
    assert fault in detail


def test_who_cannot_be_asked_is_unknown() -> None:
    assert outcome(environment=Result("", 1, "", "no such process"))[0] == "unknown"


@pytest.mark.parametrize(
    ("wanted", "told", "unit", "same"),
    [
        ("8MB", "1024", "8kB", True),
        ("128MB", "16384", "8kB", True),
        ("64MB", "64", "MB", True),
        ("10s", "10000", "ms", True),
        ("1min", "60", "s", True),
        ("5min", "60", "s", False),
        ("300", "300", "s", True),
        ("true", "on", "", True),
        ("off", "on", "", False),
        ("0.9", "0.9", "", True),
        ("200", "100", "", False),
        ("a, b", "a,b", "", True),
        ("cd .", "cd .", "", True),
        ("1", "10", "min", False),
    ],
)
def test_what_means_the_same(wanted: str, told: str, unit: str, same: bool) -> None:
    assert same_setting(wanted, told, unit) is same
