"""A blueprint in another network: which addresses move, where to, and what cannot be moved."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from labs import MANAGES, blueprint_text, load, write_component

from labgen.blueprint.files import blueprint_files
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.blueprint.model import Blueprint
from labgen.blueprint.rebase import rebase
from labgen.errors import UsageError
from labgen.lab.resolve import resolve
from labgen.lab.scaling import Scale, grown, scaled

MANIFEST = """\
parameters:
  vip: {type: address, default: "", doc: an address that moves about}
  text: {type: string, default: "", doc: anything}
  more: {type: map, default: {}, doc: anything by name}
"""
TAIL = """\
settings:
  agent: {vip: 192.168.60.55, text: version 10.99.5.3}
paths:
  - {name: by-name, host: one, port: 1, summary: a node}
  - {name: by-address, host: 192.168.60.55, port: 2, summary: an address}
"""
PROFILES = """\
profiles:
  modern:
    os: debian-13
    summary: new
    settings: {agent: {vip: 192.168.60.56}}
    emulated: {agent: {vip: 192.168.60.57}}
  published: {os: debian-11, summary: old}
"""
Made = Callable[..., LoadedBlueprint]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(tail: str = TAIL, profiles: str = PROFILES) -> LoadedBlueprint:
        write_component(tmp_path / "components", "agent", MANIFEST)
        return load(tmp_path, blueprint_text({"one": ["agent"], "two": ["agent"]}, tail, profiles))

    return make


def moved(loaded: LoadedBlueprint, network: str, where: str | None = None) -> Blueprint:
    return rebase(loaded.blueprint, loaded.components, IPv4Network(network), where)


@pytest.mark.parametrize(("network", "base"), [("10.77.5.0/24", "10.77.5."), ("172.16.64.64/26", "172.16.64.")])
def test_every_address_keeps_its_place(made: Made, network: str, base: str) -> None:
    first = IPv4Network(network).network_address.packed[-1]
    loaded = made()
    blueprint = moved(loaded, network)

    def at(place: int) -> str:
        return f"{base}{first + place}"

    assert blueprint.network.cidr == network
    assert [node.address for node in blueprint.nodes] == [at(11), at(12)]
    assert blueprint.settings == {"agent": {"vip": at(55), "text": "version 10.99.5.3"}}
    assert blueprint.profiles["modern"].settings == {"agent": {"vip": at(56)}}
    assert blueprint.profiles["modern"].emulated == {"agent": {"vip": at(57)}}
    assert [path.host for path in blueprint.paths] == ["one", at(55)]
    assert [path.summary for path in blueprint.paths] == ["a node", "an address"]
    assert rebase(blueprint, loaded.components, IPv4Network("192.168.60.0/24")) == loaded.blueprint


def test_a_nodes_own_settings_move(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "agent", MANIFEST)
    text = blueprint_text({"one": ["agent"]}).replace("[agent]}", "[agent], settings: {agent: {vip: 192.168.60.9}}}")
    assert moved(load(tmp_path, text), "10.0.1.0/24").nodes[0].settings == {"agent": {"vip": "10.0.1.9"}}


def test_its_own_network_changes_nothing(made: Made) -> None:
    loaded = made()
    assert moved(loaded, "192.168.60.0/24") is loaded.blueprint


@pytest.mark.parametrize(("network", "fits"), [("10.0.0.0/26", True), ("10.0.0.0/27", False), ("10.0.0.0/29", False)])
def test_the_last_address_needs_room(made: Made, network: str, fits: bool) -> None:
    loaded = made()
    if fits:
        assert moved(loaded, network).profiles["modern"].emulated == {"agent": {"vip": "10.0.0.57"}}
        return
    with pytest.raises(UsageError) as caught:
        moved(loaded, network, f"--set network.cidr={network}")
    assert caught.value.lines() == [
        f"error: {network} is too small for this lab: 192.168.60.57 is number 57 in 192.168.60.0/24",
        f"  where: --set network.cidr={network}",
        "  next:  take a range with the prefix length 26 or shorter",
    ]


def test_the_broadcast_address_is_no_place(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "agent")
    loaded = load(tmp_path, blueprint_text({"one": ["agent"]}).replace(".60.11", ".60.15"))
    with pytest.raises(UsageError, match="too small"):
        moved(loaded, "10.0.0.0/28")
    assert moved(loaded, "10.0.0.0/27").nodes[0].address == "10.0.0.15"


@pytest.mark.parametrize(
    ("settings", "place", "address"),
    [
        ("{text: 'host=192.168.60.11 port=1'}", "settings.agent.text", "192.168.60.11"),
        ("{more: {a: {b: [x, 192.168.60.0/24]}}}", "settings.agent.more", "192.168.60.0"),
    ],
)
def test_an_address_inside_a_text_stops_the_move(made: Made, settings: str, place: str, address: str) -> None:
    loaded = made(f"settings: {{agent: {settings}}}\n")
    with pytest.raises(UsageError) as caught:
        moved(loaded, "10.77.5.0/24", "--set network.cidr=10.77.5.0/24")
    assert caught.value.lines() == [
        f"error: the lab cannot be moved to 10.77.5.0/24: {place} holds {address}, and is no parameter of the type "
        "address",
        "  where: --set network.cidr=10.77.5.0/24",
        "  next:  leave it in 192.168.60.0/24, or copy the blueprint and change the addresses there",
    ]


@pytest.mark.parametrize("text", ["1.192.168.60.11", "192.168.60.110.5", "192.168.61.11", "192.168.60.999"])
def test_what_only_looks_like_an_address_does_not(made: Made, text: str) -> None:
    assert moved(made(f"settings: {{agent: {{text: {text}}}}}\n"), "10.77.5.0/24").network.cidr == "10.77.5.0/24"


def test_resolved(made: Made) -> None:
    """A `--set` address may be the blueprint's or the lab's; of two networks the explicit one counts."""
    loaded = made()

    def vip(*words: str, network: str | None = None) -> str:
        lab = resolve(loaded, provider="docker", overrides=words, network=network)
        return f"{lab.network.cidr} {lab.nodes[0].settings['agent']['vip']}"

    asked = "network.cidr=10.77.5.0/24"
    assert vip() == "192.168.60.0/24 192.168.60.56"
    assert vip(asked) == "10.77.5.0/24 10.77.5.56"
    assert vip(network="192.168.61.0/24") == "192.168.61.0/24 192.168.61.56"
    assert vip(asked, network="192.168.61.0/24") == "10.77.5.0/24 10.77.5.56"
    assert vip("agent.vip=192.168.60.77", network="192.168.61.0/24") == "192.168.61.0/24 192.168.61.77"
    assert vip("agent.vip=192.168.61.77", network="192.168.61.0/24") == "192.168.61.0/24 192.168.61.77"
    assert vip("nodes.one.agent.vip=192.168.60.77", asked) == "10.77.5.0/24 10.77.5.77"
    with pytest.raises(UsageError, match=r"192\.168\.62\.77 lies outside the lab's network 10\.77\.5\.0/24"):
        vip("agent.vip=192.168.62.77", asked)
    with pytest.raises(UsageError, match=r"10\.77\.5\.12 is the address of two"):
        vip("agent.vip=192.168.60.12", asked)
    assert resolve(loaded, provider="docker").network.moved_from is None
    assert resolve(loaded, provider="docker", overrides=[asked]).network.moved_from == "192.168.60.0/24"


@pytest.mark.parametrize("name", blueprint_files())
def test_no_address_of_a_built_in_blueprint_stays_behind(name: str) -> None:
    loaded = load_blueprint(blueprint_files()[name])
    blueprint = moved(loaded, "10.77.0.0/24")
    told = blueprint.model_dump(include={"network", "nodes", "settings", "profiles", "paths"})
    assert str(IPv4Network(loaded.blueprint.network.cidr).network_address).removesuffix("0") not in str(told)


def test_a_node_that_scale_added_goes_along(tmp_path: Path) -> None:
    """Whatever the lab's network: the record has its address as the blueprint's, and the lab as all others."""
    write_component(tmp_path / "components", "patroni", MANAGES)
    loaded = load(tmp_path, blueprint_text({"pg1": ["patroni"], "pg2": ["patroni"]}))
    for network in (None, "10.77.5.0/24", "10.77.5.64/26"):
        scale = Scale()
        for _ in range(2):
            lab = resolve(scaled(loaded, scale), provider="docker", network=network)
            scale = grown(lab, scale)
        assert scale.added == (("pg3", "192.168.60.13"), ("pg4", "192.168.60.14"))
        base = IPv4Network(network or "192.168.60.0/24").network_address
        lab = resolve(scaled(loaded, scale), provider="docker", network=network)
        assert [node.address for node in lab.nodes] == [str(base + place) for place in (11, 12, 13, 14)]
