"""Overrides documents: what they say reaches the lab, what goes over what, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labgen.actions.lab.show import resolved
from labgen.actions.session.open import LabRequest, existing_lab, lab_of
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.components.versions import is_package_version, program_version
from labgen.errors import DocumentError, UsageError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.overrides import read_overrides
from labgen.plan import build_plan
from labgen.render.nodes import render_nodes

LOADED = load_blueprint(find_blueprint("etcd-patroni-ops"))


def bent(tmp_path: Path, text: str, *words: str, **others: str) -> Lab:
    """The lab that an overrides document makes; OTHERS are files beside it."""
    for name, content in others.items():
        (tmp_path / name.replace("_", ".")).write_text(content)
    path = tmp_path / "over.yml"
    path.write_text(text)
    return resolve(LOADED, provider="docker", overrides=words, files=[read_overrides(path)])


def rendered(lab: Lab) -> dict[str, str]:
    secrets = make_secrets(lab.components.values(), contained=lab.contained)
    return {path: file.text for path, file in render_nodes(lab, secrets).items()}


def problems(tmp_path: Path, text: str, *words: str, **others: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        bent(tmp_path, text, *words, **others)
    return [str(problem).removeprefix(f"{tmp_path}/over.yml:") for problem in caught.value.problems]


# ---------------------------------------------------------------- values


def test_a_document_is_a_layer_below_the_words(tmp_path: Path) -> None:
    text = """\
os: debian-12
settings: {patroni: {ttl: 40, loop_wait: 5, parameters: {work_mem: 8MB}}}
nodes: {node2: {memory: 512, settings: {patroni: {ttl: 50, tags: {nofailover: true}}}}}
"""
    lab = bent(tmp_path, text, "patroni.loop_wait=6", "patroni.parameters.log_connections=on")
    one, two = lab.node("node1"), lab.node("node2")
    assert (lab.os, one.memory, two.memory) == ("debian-12", 384, 512)
    assert [node.settings["patroni"]["ttl"] for node in (one, two)] == [40, 50]
    assert one.settings["patroni"]["loop_wait"] == 6
    assert one.settings["patroni"]["parameters"] == {"work_mem": "8MB", "log_connections": "on"}
    assert (one.settings["patroni"]["tags"], two.settings["patroni"]["tags"]) == ({}, {"nofailover": True})
    assert 'tags:\n  "nofailover": true\n' in rendered(lab)["nodes/node2/patroni/files/etc/patroni/config.yml"]


def test_a_whole_map_replaces_and_a_key_joins(tmp_path: Path) -> None:
    text = "settings: {patroni: {parameters: {work_mem: 8MB}}}\n"
    assert bent(tmp_path, text, "patroni.parameters={a: 1}").node("node1").settings["patroni"]["parameters"] == {"a": 1}
    both = bent(tmp_path, text, "patroni.parameters.a=1", "nodes.node1.patroni.parameters.b=2")
    assert both.node("node1").settings["patroni"]["parameters"] == {"work_mem": "8MB", "a": 1, "b": 2}
    assert both.node("node2").settings["patroni"]["parameters"] == {"work_mem": "8MB", "a": 1}


def test_later_documents_go_over_earlier_ones(tmp_path: Path) -> None:
    for name, ttl in (("first.yml", 40), ("second.yml", 50)):
        (tmp_path / name).write_text(f"settings: {{patroni: {{ttl: {ttl}}}}}\n")
    files = [read_overrides(tmp_path / name) for name in ("first.yml", "second.yml")]
    lab = resolve(LOADED, provider="docker", files=files)
    assert lab.node("node1").settings["patroni"]["ttl"] == 50
    assert lab.node("node1").origins["patroni", "ttl"].endswith("second.yml:1:22")


def test_the_overrides_of_a_larger_document(tmp_path: Path) -> None:
    text = "name: x\nactions: []\noverrides:\n  settings: {patroni: {ttl: 40}}\n"
    assert bent(tmp_path, text).node("node1").settings["patroni"]["ttl"] == 40
    assert bent(tmp_path, "name: x\nactions: []\n").node("node1").settings["patroni"]["ttl"] == 30
    assert problems(tmp_path, text.replace("ttl: 40", "ttl: soon")) == [
        "4:24: overrides.settings.patroni.ttl: patroni.ttl must be a whole number, not 'soon'"
    ]


def test_where_each_value_comes_from(tmp_path: Path) -> None:
    text = "settings: {patroni: {ttl: 40}}\nconfig: {patroni: {log: {level: DEBUG}}}\npackages: [strace]\n"
    rows = {row["path"]: row for row in resolved(bent(tmp_path, text, "nodes.node2.patroni.loop_wait=6"))}
    assert rows["patroni.ttl"]["origin"].endswith("over.yml:1:22")
    assert rows["config.patroni.log.level"]["value"] == "DEBUG"
    assert rows["config.patroni.log.level"]["origin"].endswith("over.yml:2:26")
    assert rows["packages.strace"]["origin"].endswith("over.yml:3:12")
    assert rows["patroni.retry_timeout"] == {
        "path": "patroni.retry_timeout",
        "value": 10,
        "origin": "default",
        "nodes": ["node1", "node2", "node3"],
    }
    assert rows["patroni.scope"]["origin"].startswith("blueprints/etcd-patroni-ops.yml:")
    assert rows["versions.patroni"]["origin"] == "Debian 13"
    loop_wait = [
        row
        for row in resolved(bent(tmp_path, "{}", "nodes.node2.patroni.loop_wait=6"))
        if row["path"] == "patroni.loop_wait"
    ]
    assert [(row["value"], row["origin"], row["nodes"]) for row in loop_wait] == [
        (10, "default", ["node1", "node3"]),
        (6, "--set nodes.node2.patroni.loop_wait=6", ["node2"]),
    ]
    json.dumps(list(rows.values()))


# ---------------------------------------------------------------- configuration


def test_keys_of_a_configuration_file(tmp_path: Path) -> None:
    text = """\
config: {patroni: {log: {level: INFO}, postgresql: {callbacks: {on_reload: /bin/true}}}}
nodes: {node3: {config: {patroni: {log: {level: DEBUG}}}}}
"""
    files = rendered(bent(tmp_path, text, "config.patroni.postgresql.callbacks.on_start=/bin/false"))
    one, three = (files[f"nodes/{node}/patroni/files/etc/patroni/config.yml"] for node in ("node1", "node3"))
    assert "  callbacks:\n    on_reload: /bin/true\n    on_start: /bin/false\n" in one
    assert "log:\n  level: INFO\n" in one
    assert "log:\n  level: DEBUG\n" in three


def test_what_is_rendered_from_something_else_is_refused(tmp_path: Path) -> None:
    text = """\
config:
  patroni:
    scope: x
    bootstrap: {dcs: {ttl: 5}}
    postgresql: {listen: '*'}
  etcd: {a: {b: 1}}
"""
    assert problems(tmp_path, text) == [
        "3:5: config.patroni.scope: scope of patroni is not changed here: change the parameter patroni.scope",
        "4:23: config.patroni.bootstrap.dcs.ttl: bootstrap.dcs.ttl of patroni is not changed here: change the "
        "parameter patroni.ttl",
        "5:18: config.patroni.postgresql.listen: postgresql.listen of patroni is not changed here: change the "
        "parameter patroni.floating_address, or the node's address",
        "6:14: config.etcd.a.b: etcd takes 1 key for a value, not 2; for example config.etcd.b=VALUE",
    ]


# ---------------------------------------------------------------- packages, files, steps


def test_packages_are_installed_first_and_in_the_image(tmp_path: Path) -> None:
    lab = bent(tmp_path, "packages: [strace, haproxy=2.6.12-1]\n")
    assert lab.node("node1").components[0] == "extra-packages"
    assert lab.installed(lab.node("node1"))[0] == "extra-packages"
    assert lab.components["extra-packages"].shipped["packages"] == "haproxy=2.6.12-1\nstrace\n"


@pytest.mark.parametrize(
    ("text", "fits", "program"),
    [
        ("2.6.12-1+deb12u2", True, "2.6.12"),
        ("1:2.6.12-1", True, "2.6.12"),
        ("15.10-0+deb12u1", True, "15.10"),
        ("2.6.12", False, ""),
        ("newest-one", False, ""),
    ],
)
def test_versions_of_packages(text: str, fits: bool, program: str) -> None:
    assert is_package_version(text) is fits
    assert not fits or program_version(text) == program


def test_a_version_of_debians_own_package(tmp_path: Path) -> None:
    lab = bent(tmp_path, "os: debian-12\n", "versions.patroni=3.0.2-1", "versions.etcd=3.4.23-4")
    assert lab.packages == {"patroni": "3.0.2-1", "etcd-server": "3.4.23-4", "etcd-client": "3.4.23-4"}
    assert (lab.versions["patroni"], lab.versions["etcd"]) == ("3.0.2", "3.4.23")
    assert lab.artefact_names["patroni"] == ()
    assert bent(tmp_path, "{}", "versions.postgresql=17.2-1").packages == {
        "postgresql-17": "17.2-1",
        "postgresql-client-17": "17.2-1",
    }
    assert bent(tmp_path, "{}", "versions.postgresql=17.2-1").versions["postgresql"] == "17"


FILE = """\
files:
  - {path: /usr/local/bin/cb, mode: "0755", owner: "root:postgres", source: cb.sh}
  - {path: /etc/motto, content: "{{ not a template }}\\n", nodes: [node0]}
"""


def test_files_are_there_before_anything_starts_and_in_no_image(tmp_path: Path) -> None:
    lab = bent(tmp_path, FILE, cb_sh="#!/bin/sh\n")
    files = rendered(lab)
    assert files["nodes/node1/extra-files/files.list"] == "0755 root:postgres /usr/local/bin/cb\n"
    assert files["nodes/node0/extra-files/files/etc/motto"] == "{{ not a template }}\n"
    assert "extra-files" not in lab.installed(lab.node("node1"))
    waits = {str(step.id): {str(other) for other in step.after} for step in build_plan(lab).steps}
    assert "node1/extra-files/configure" in waits["node1/patroni/start"]
    assert "node1/patroni/install" in waits["node1/extra-files/configure"]


def waits_of(lab: Lab) -> dict[str, set[str]]:
    return {str(step.id): {str(other) for other in step.after} for step in build_plan(lab).steps}


def test_steps_stand_where_they_are_told(tmp_path: Path) -> None:
    text = """\
steps:
  - {name: patch, after: patroni/install, run: "true"}
  - {name: prepare, before: patroni/start, run: "true"}
  - {name: second, before: patroni/start, run: "true"}
  - {name: adjust, before: configure, run: "true", nodes: [node1]}
  - {name: fill, after: start, run: "true", nodes: [node1]}
  - {name: look, after: patroni/start, run: "true"}
"""
    lab = bent(tmp_path, text)
    waits = waits_of(lab)
    assert "node2/patroni/install" in waits["node2/step-patch/install"]
    assert "node2/step-patch/install" in waits["node2/patroni/start"]
    assert {"node0/etcd/start", "node1/patroni/start"} <= waits["node2/step-prepare/start"]
    assert {"node2/step-prepare/start", "node2/step-second/start"} <= waits["node2/patroni/start"]
    assert "node2/step-prepare/start" in waits["node2/step-second/start"]
    assert "node1/step-adjust/configure" in waits["node1/patroni/configure"]
    assert "node2/step-adjust/configure" not in waits
    assert {f"{node}/patroni/ready" for node in ("node1", "node2", "node3")} <= waits["node1/step-fill/start"]
    assert waits["node3/step-look/start"] >= {"node3/patroni/ready"}
    assert "node0/step-look/start" not in waits
    assert all(lab.components[name].own for name in lab.components if name.startswith("step-"))
    assert not any(name.startswith("step-") for node in lab.nodes for name in lab.installed(node))


def test_secrets_have_in_them_what_they_must(tmp_path: Path) -> None:
    lab = bent(
        tmp_path,
        "secrets: {patroni: {rewind_password: {containing: '%'}}}\n",
        "secrets.patroni.rest_password.containing=a:b",
    )
    made = make_secrets(lab.components.values(), contained=lab.contained)
    again = make_secrets(lab.components.values(), contained=lab.contained)
    value = made["patroni"]["rewind_password"]
    assert "%" in value[1:-1]
    assert len(value) == 24
    assert "a:b" in made["patroni"]["rest_password"]
    assert value != again["patroni"]["rewind_password"]
    assert make_secrets(lab.components.values(), made, lab.contained) == made
    with pytest.raises(ValueError, match=r"patroni\.rewind_password"):
        make_secrets(lab.components.values(), {"patroni": {"rewind_password": "plain"}}, lab.contained)


# ---------------------------------------------------------------- an existing lab keeps them


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    return tmp_path


def request(tmp_path: Path, **about: Any) -> LabRequest:
    return LabRequest("etcd-patroni-ops", provider="docker", files=(tmp_path / "over.yml",), **about)


def test_a_lab_keeps_its_documents(state: Path) -> None:
    (state / "cb.sh").write_text("echo one\n")
    (state / "over.yml").write_text(FILE + "settings: {patroni: {ttl: 40}}\n")
    lab_of(request(state)).save()
    for name in ("over.yml", "cb.sh"):
        (state / name).unlink()
    again = existing_lab("etcd-patroni-ops")
    assert again.lab.node("node1").settings["patroni"]["ttl"] == 40
    assert [file.text for file in again.lab.files] == ["echo one\n", "{{ not a template }}\n"]
    assert lab_of(LabRequest("etcd-patroni-ops")).lab.node("node1").settings["patroni"]["ttl"] == 40
    again.save()
    assert existing_lab("etcd-patroni-ops").record.files == again.record.files


def test_other_documents_replace_them(state: Path) -> None:
    (state / "over.yml").write_text("settings: {patroni: {ttl: 40}}\n")
    opened = lab_of(request(state))
    opened.save()
    (state / "over.yml").write_text("settings: {patroni: {ttl: 50}}\n")
    lab_of(request(state)).save()
    assert existing_lab("etcd-patroni-ops").lab.node("node1").settings["patroni"]["ttl"] == 50
    assert len(list(opened.folder.overrides.iterdir())) == 1
    (state / "over.yml").write_text("os: debian-12\n")
    with pytest.raises(UsageError, match="exists with the operating system debian-13"):
        lab_of(request(state), make=True)


def test_a_secret_that_exists_cannot_be_another(state: Path) -> None:
    lab_of(LabRequest("etcd-patroni-ops", provider="docker")).save()
    opened = existing_lab("etcd-patroni-ops")
    opened.folder.secrets(opened.lab)
    (state / "over.yml").write_text("secrets: {patroni: {rewind_password: {containing: '%%'}}}\n")
    changed = lab_of(request(state))
    with pytest.raises(UsageError, match=r"its secret patroni\.rewind_password has no '%%' in it"):
        changed.folder.secrets(changed.lab)


def test_an_address_in_a_configuration_does_not_go_along(tmp_path: Path) -> None:
    text = "config: {patroni: {log: {dir: 'http://10.10.1.10/logs'}}}\n"
    bent(tmp_path, text)
    with pytest.raises(UsageError, match=r"config\.patroni\.log\.dir holds 10\.10\.1\.10") as caught:
        bent(tmp_path, text, "network.cidr=10.77.5.0/24")
    assert caught.value.where is not None
    assert caught.value.where.endswith("over.yml:1:26")
    assert caught.value.cure is not None
    assert "10.77.5.10" in caught.value.cure


def haproxy(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "over.yml"
    path.write_text(text)
    loaded = load_blueprint(find_blueprint("etcd-haproxy"))
    return rendered(resolve(loaded, provider="docker", files=[read_overrides(path)]))


def test_a_bare_keyword_keeps_the_lines_that_others_rely_on(tmp_path: Path) -> None:
    text = """\
config:
  haproxy:
    global: {stats: timeout 30s}
    defaults: {timeout: [connect 5s, queue 5s]}
    listen primary: {option: tcplog}
"""
    config = haproxy(tmp_path, text)["nodes/haproxy/haproxy/files/etc/haproxy/haproxy.cfg"]
    words = [line.split() for line in config.splitlines()]
    assert ["stats", "timeout", "30s"] in words
    assert any(line[:2] == ["stats", "socket"] for line in words)
    assert [line for line in words if line[:2] == ["timeout", "connect"]] == [["timeout", "connect", "5s"]]
    for line in ("timeout check 1s", "timeout client 30m", "option tcplog", "option httpchk OPTIONS /primary"):
        assert line.split() in words


@pytest.mark.parametrize(
    "text",
    [
        "{global: {stats: null}}",
        "{global: {stats: [socket /x, timeout 30s]}}",
        "{global: {'stats  socket level': admin}}",
        "{defaults: {timeout: check 5s}}",
        "{defaults: {timeout: null}}",
    ],
)
def test_a_bare_keyword_for_a_kept_line_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        haproxy(tmp_path, f"config: {{haproxy: {text}}}")
    assert "of haproxy is not changed here: " in str(caught.value.problems[0])
