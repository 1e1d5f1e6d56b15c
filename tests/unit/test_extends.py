"""`extends`: a small blueprint on top of another one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from labgen.actions.session.open import LabRequest, existing_lab, lab_of
from labgen.blueprint.loader import load_blueprint, whole_text
from labgen.errors import DocumentError

SMALL = """\
name: two-members
title: Two members, quick to boot
extends: etcd-patroni-ops
without: {nodes: [node3], drills: [leader-stopped]}
nodes:
  - {name: node1, memory: 512}
settings:
  patroni: {scope: small}
profiles:
  modern: {settings: {patroni: {ttl: 20, loop_wait: 5, retry_timeout: 5}}}
"""


def small(tmp_path: Path, text: str = SMALL, name: str = "small.yml") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


def problems(path: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_blueprint(path)
    return list(map(str, caught.value.problems))


def test_what_is_said_goes_over_what_is_extended(tmp_path: Path) -> None:
    loaded = load_blueprint(small(tmp_path))
    blueprint = loaded.blueprint
    assert blueprint.name == "two-members"
    assert [node.name for node in blueprint.nodes] == ["node0", "node1", "node2"]
    assert blueprint.nodes[1].memory == 512
    assert blueprint.nodes[1].components == ("postgresql", "patroni")
    assert blueprint.settings["patroni"]["scope"] == "small"
    assert blueprint.settings["patroni"]["namespace"] == "/db002/"
    assert blueprint.profiles["modern"].settings["patroni"]["ttl"] == 20
    assert blueprint.profiles["modern"].settings["patroni"]["dcs"] == "etcd3"
    assert set(blueprint.profiles) == {"modern", "next", "published"}
    assert "leader-stopped" not in [drill.name for drill in blueprint.drills]
    assert blueprint.drills
    assert blueprint.source is not None


def test_each_value_knows_its_file(tmp_path: Path) -> None:
    path = small(tmp_path)
    position = load_blueprint(path).source.position
    assert position(("settings", "patroni", "scope")).endswith("small.yml:8:13")
    assert position(("settings", "patroni", "namespace")).endswith("etcd-patroni-ops.yml:18:30")
    assert position(("nodes", 1, "memory")).endswith("small.yml:6:19")
    assert position(("nodes", 1, "address")).endswith("etcd-patroni-ops.yml:13:19")
    assert position(("nodes", 2, "address")).endswith("etcd-patroni-ops.yml:14:19")


def test_problems_are_where_they_were_written(tmp_path: Path) -> None:
    text = SMALL.replace("memory: 512", "memory: lots").replace("scope: small", "scope: Small!")
    found = problems(small(tmp_path, text))
    assert [line.split("small.yml:")[1].split(" ")[0] for line in found] == ["6:19:", "8:13:"]
    # Of the base a node is gone that a path or drill of it, or of one's own, speaks of.
    (missing,) = problems(small(tmp_path, SMALL + "paths:\n  - {name: x, host: node3, port: 5432, summary: gone}\n"))
    assert "there is no node 'node3'" in missing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALL.replace("etcd-patroni-ops", "etcd-patroni-opps"), "3:1: extends: no blueprint is called"),
        (SMALL.replace("etcd-patroni-ops", "[a]"), "3:1: extends: must be a blueprint's name, or a path, not a list"),
        (SMALL.replace("etcd-patroni-ops", "./small.yml"), "3:1: extends: goes round in a circle, or too far"),
        (SMALL.replace("node3", "node9"), "4:19: without.nodes[0]: there is no 'node9' in nodes of what is extended"),
        (SMALL.replace("{nodes: [node3], drills: [leader-stopped]}", "node3"), "4:1: without: must be a mapping"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in problem for problem in problems(small(tmp_path, text))), problems(small(tmp_path, text))


def test_one_that_extends_another_small_one(tmp_path: Path) -> None:
    small(tmp_path)
    text = "name: third\ntitle: Third\nextends: ./small.yml\n"
    text += "nodes: [{name: node4, address: 10.10.1.14, components: [postgresql, patroni]}]\n"
    blueprint = load_blueprint(small(tmp_path, text, "third.yml")).blueprint
    assert [node.name for node in blueprint.nodes] == ["node0", "node1", "node2", "node4"]


def test_a_lab_of_it_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    path = small(tmp_path)
    opened = lab_of(LabRequest(str(path), provider="docker"))
    opened.save()
    path.unlink()
    kept = yaml.safe_load(opened.folder.blueprint.read_text())
    assert "extends" not in kept
    again = existing_lab("two-members").lab
    assert [node.name for node in again.nodes] == ["node0", "node1", "node2"]
    assert again.nodes[1].settings == opened.lab.nodes[1].settings
    assert lab_of(LabRequest("two-members")).lab.blueprint == again.blueprint


def test_without_extends_the_file_is_kept_byte_by_byte(tmp_path: Path) -> None:
    path = small(tmp_path)
    plain = tmp_path / "plain.yml"
    plain.write_bytes(whole_text(path))
    assert whole_text(plain) == plain.read_bytes()
    assert load_blueprint(plain).blueprint == load_blueprint(path).blueprint
