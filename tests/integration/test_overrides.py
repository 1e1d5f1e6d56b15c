"""A small blueprint on top of another one, bent by a document: what it asks for is on the nodes. They run in order."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import LiveLab

OCTET = int(os.environ.get("TEST_SUBNET", "192.168.60").rsplit(".", 1)[-1]) + 1
PREFIX = f"192.168.{OCTET}"

BLUEPRINT = """\
name: bent
title: One etcd and two members
extends: etcd-patroni-ops
without: {nodes: [node3]}
"""
DOCUMENT = """\
settings:
  patroni: {parameters: {work_mem: 8MB}}
config:
  patroni: {log: {level: DEBUG}}
  etcd: {ETCD_AUTO_COMPACTION_RETENTION: "1"}
nodes:
  node2: {settings: {patroni: {name: spare, tags: {nofailover: true}}}}
secrets: {patroni: {app_password: {containing: "%"}}}
files:
  - {path: /usr/local/bin/greet, mode: "0750", owner: "root:postgres", source: greet.sh, nodes: [node1, node2]}
steps:
  - {name: greet, after: patroni/install, run: "echo installed >>/root/steps"}
  - {name: before, before: patroni/start, run: "systemctl is-active patroni >>/root/steps || true"}
  - {name: fill, after: start, nodes: [node1], script: fill.sh}
"""
FILL = 'runuser -u postgres -- psql -qc "create table if not exists filled (at timestamptz default now())"\n'


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the blueprint, the document, and what that names."""
    folder = tmp_path_factory.mktemp("documents")
    for name, text in {
        "bent.yml": BLUEPRINT,
        "over.yml": DOCUMENT,
        "greet.sh": "#!/bin/sh\necho hello\n",
        "fill.sh": FILL,
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab], documents: Path) -> LiveLab:
    """The lab, booted."""
    made_from = (str(documents / "bent.yml"), "--set", f"network.cidr={PREFIX}.0/24")
    patroni = {"node1": f"{PREFIX}.11", "node2": f"{PREFIX}.12"}
    lab = module_labs("bent", made_from=made_from, patroni=patroni)
    lab.first_up = lab.up("-f", str(documents / "over.yml"), "--provider", "docker")
    return lab


def test_what_was_asked_for_is_on_the_nodes(lab: LiveLab) -> None:
    config = lab.exec("node1", "cat", "/etc/patroni/config.yml")
    assert "log:\n  level: DEBUG" in config
    assert 'ETCD_AUTO_COMPACTION_RETENTION="1"' in lab.exec("node0", "cat", "/etc/default/etcd")
    assert lab.exec("node2", "stat", "-c", "%a %U:%G", "/usr/local/bin/greet") == "750 root:postgres"
    assert lab.exec("node2", "/usr/local/bin/greet") == "hello"
    assert lab.superuser("node1", f"{PREFIX}.11", 5432, "show work_mem") == "8MB"
    assert "%" in json.loads((lab.folder / "secrets.json").read_text())["patroni"]["app_password"]


def test_steps_ran_where_they_stand(lab: LiveLab) -> None:
    assert lab.exec("node2", "cat", "/root/steps").split() == ["installed", "inactive"]
    assert lab.superuser("node1", f"{PREFIX}.11", 5432, "select count(*) from filled") == "0"


def test_a_member_with_another_name_is_no_stranger(lab: LiveLab) -> None:
    assert "spare" in lab.exec("node1", "patronictl", "-c", "/etc/patroni/config.yml", "list")
    lab.verify()
    refused = lab.labgen("switchover", lab.name, "--to", "node2", expect=1)
    assert "has the tag nofailover" in refused.stderr


def test_a_value_changed_behind_labgens_back_is_seen(lab: LiveLab) -> None:
    address = f"{PREFIX}.11"
    lab.superuser("node1", address, 5432, "alter system set work_mem = '4MB'")
    lab.superuser("node1", address, 5432, "select pg_reload_conf()")
    changed = lab.labgen("verify", lab.name, "--check", "as-configured", expect=1)
    assert "node1: work_mem is 4096kB, not 8MB" in changed.stdout
    lab.superuser("node1", address, 5432, "alter system reset work_mem")
    lab.superuser("node1", address, 5432, "select pg_reload_conf()")
    lab.labgen("verify", lab.name, "--check", "as-configured")


def test_it_says_where_each_value_comes_from(lab: LiveLab) -> None:
    rows = {row["path"]: row for row in lab.labgen.json("show", lab.name, "--resolved")}
    assert rows["patroni.parameters.work_mem"]["origin"].endswith("over.yml:2:26")
    assert rows["network.cidr"]["origin"].startswith("--set network.cidr=")


def test_without_its_documents_a_second_up_does_nothing(lab: LiveLab, documents: Path) -> None:
    (documents / "over.yml").rename(documents / "later.yml")
    before = lab.step_starts()
    lab.labgen("up", lab.name)
    assert lab.step_starts() == before


def test_what_is_edited_runs_again_and_nothing_else(lab: LiveLab, documents: Path) -> None:
    (documents / "fill.sh").write_text(FILL + 'runuser -u postgres -- psql -qc "insert into filled default values"\n')
    before = lab.step_starts()
    lab.labgen("up", lab.name, "-f", str(documents / "later.yml"))
    added = [json.loads(line) for line in lab.step_starts().removeprefix(before).splitlines()]
    done = [(entry["node"], entry["component"], entry["stage"]) for entry in added if entry["event"] == "done"]
    assert done == [("node1", "step-fill", "start")]
    assert lab.superuser("node1", f"{PREFIX}.11", 5432, "select count(*) from filled") == "1"
    lab.labgen("destroy", lab.name, "--yes")
