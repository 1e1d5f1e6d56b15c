"""Which value wins: manifest, blueprint, profile, node, `--set` for all, `--set` for one node."""

from __future__ import annotations

from pathlib import Path

import pytest
from labs import HEAD, lab, load, write_component

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.errors import UnknownNameError, UsageError
from labgen.lab.resolve import resolve

AGENT = "parameters:\n" + "".join(
    f"  {letter}: {{type: string, default: manifest, doc: a value}}\n" for letter in "abcdef"
)
LAYERS = (
    HEAD
    + """\
nodes:
  - name: one
    address: 192.168.60.11
    components: [agent]
    memory: 512
    settings: {agent: {d: node, e: node, f: node}}
  - {name: two, address: 192.168.60.12, components: [agent], cpus: 2}
settings: {agent: {b: blueprint, c: blueprint, d: blueprint, e: blueprint, f: blueprint}}
profiles:
  published: {os: debian-11, summary: old}
  modern:
    default: true
    os: debian-13
    summary: new
    box: {libvirt: vendor/box}
    settings: {agent: {c: profile, d: profile, e: profile, f: profile}}
    emulated: {agent: {c: slow, d: slow}}
"""
)


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedBlueprint:
    write_component(tmp_path / "components", "agent", AGENT)
    return load(tmp_path, LAYERS)


def test_precedence(loaded: LoadedBlueprint) -> None:
    words = ["nodes.one.agent.f=one", "agent.e=all", "agent.f=all"]
    made = resolve(loaded, provider="docker", overrides=words)
    assert made.node("one").settings["agent"] == {
        "a": "manifest",
        "b": "blueprint",
        "c": "profile",
        "d": "node",
        "e": "all",
        "f": "one",
    }
    assert made.node("two").settings["agent"] == {
        "a": "manifest",
        "b": "blueprint",
        "c": "profile",
        "d": "profile",
        "e": "all",
        "f": "all",
    }
    assert made.overrides == tuple(words)


def test_emulated_machines_have_settings_of_their_own(loaded: LoadedBlueprint) -> None:
    agent = resolve(loaded, provider="libvirt", emulated=True).node("one").settings["agent"]
    assert (agent["b"], agent["c"], agent["d"]) == ("blueprint", "slow", "node")


def test_profile(loaded: LoadedBlueprint) -> None:
    modern, published = (resolve(loaded, provider="docker", profile=p) for p in (None, "published"))
    assert (modern.profile, modern.os) == ("modern", "debian-13")
    assert (published.profile, published.os) == ("published", "debian-11")
    assert published.node("two").settings["agent"]["c"] == "blueprint"
    with pytest.raises(UnknownNameError) as caught:
        resolve(loaded, provider="docker", profile="moderm")
    assert caught.value.cure == "did you mean 'modern'?"


def test_the_last_word_counts(loaded: LoadedBlueprint) -> None:
    made = resolve(loaded, provider="docker", overrides=["agent.a=1", "agent.a=2=3", "os=debian-11", "os=debian-12"])
    assert made.node("one").settings["agent"]["a"] == "2=3"
    assert made.os == "debian-12"


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", "5"), ("true", "true"), ("1.50", "1.50"), ("", ""), ("null", "null"), ("'x y'", "x y"), ("a=b", "a=b")],
)
def test_a_string_is_what_was_typed(loaded: LoadedBlueprint, text: str, value: str) -> None:
    made = resolve(loaded, provider="docker", overrides=[f"agent.a={text}"])
    assert made.node("one").settings["agent"]["a"] == value


def test_machines(loaded: LoadedBlueprint) -> None:
    made = resolve(loaded, provider="docker", overrides=["nodes.two.memory=1024"])
    assert [(n.memory, n.cpus) for n in made.nodes] == [(512, 1), (1024, 2)]


def test_box(loaded: LoadedBlueprint) -> None:
    assert resolve(loaded, provider="libvirt").box == "vendor/box"
    assert resolve(loaded, provider="docker").box is None
    assert resolve(loaded, provider="libvirt", overrides=["box=my/box"]).box == "my/box"


def test_name(loaded: LoadedBlueprint) -> None:
    assert resolve(loaded, provider="docker").name == "sample"
    assert resolve(loaded, provider="docker", name="mine").name == "mine"


def test_versions_follow_the_os(tmp_path: Path) -> None:
    write_component(
        tmp_path / "components",
        "agent",
        "versions: {debian-11: '13', debian-13: '17'}\n"
        "artefacts:\n  tool:\n    version: 1.8.7\n"
        "    sources: [{kind: go, module: example.test/x, version: v1, sum: 'h1:x'}]\n",
    )
    assert lab(tmp_path, {"one": ["agent"]}).versions == {"agent": "17", "tool": "1.8.7"}
    assert lab(tmp_path, {"one": ["agent"]}, "", "os=debian-11").versions["agent"] == "13"
    with pytest.raises(UsageError, match="the component 'agent' is not made for debian-12"):
        lab(tmp_path, {"one": ["agent"]}, "", "os=debian-12")


def test_an_address_must_be_given_by_somebody(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "vip", "parameters: {address: {type: address, doc: the address}}\n")
    made = lab(tmp_path, {"one": ["vip"]}, "settings: {vip: {address: 192.168.60.55}}\n")
    assert made.node("one").settings["vip"]["address"] == "192.168.60.55"
    assert "192.168.60.55" in made.network
    assert "192.168.61.55" not in made.network


@pytest.mark.parametrize("profile", ["modern", "published"])
@pytest.mark.parametrize("provider", ["docker", "libvirt", "virtualbox"])
def test_shipped_blueprint(profile: str, provider: str) -> None:
    made = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider=provider, profile=profile)
    assert [node.address for node in made.nodes] == [f"192.168.60.{n}" for n in (2, 3, 4, 11, 12, 13, 14)]
    assert [node.name for node in made.nodes_with("consul", role="server")] == [f"consul-node{n}" for n in (1, 2, 3)]
    assert len(made.nodes_with("patroni")) == 3
    assert made.versions["patroni"] == {"modern": "4.0.7", "published": "2.0.2"}[profile]
    assert made.versions["consul"] == "1.8.7"


def test_published_keeps_the_programs_own_timers() -> None:
    made = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker", profile="published")
    patroni = made.node("pg-patroni1").settings["patroni"]
    assert (patroni["ttl"], patroni["loop_wait"], patroni["retry_timeout"]) == (30, 10, 10)
    assert made.node("pgbouncer").settings["pgbouncer"]["server_login_retry"] == 15
    assert made.node("consul-node1").settings["consul"]["retry_interval"] == "30s"
