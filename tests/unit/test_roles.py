"""Roles: what labgen knows of a component stands in its manifest, and nowhere in Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from labs import MANAGES, lab, write_component

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cluster.dcs import dcs_members, dcs_ports, leader_key
from labgen.cluster.state import ClusterState, vip_of
from labgen.components.manifest import FailoverManagerRole, ProxyRole, SqlClientRole, VipRole
from labgen.components.registry import component_folders
from labgen.drill.judge.predict import Route, predict, route_of
from labgen.errors import UsageError
from labgen.faults.model import Effect
from labgen.faults.registry import find_fault
from labgen.faults.targets import find_targets
from labgen.graph import build_graph
from labgen.lab.expressions import seconds
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.operations import Patroni
from tests.outside import CHECKOUT

CONFIG = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}

# --- who may name a component -----------------------------------------------------------------------------------------

ANY = "any component"
ALLOWED: Mapping[str, tuple[str, str]] = {
    # place → (whose name, why)
    "labgen/checks/builtin/": (ANY, "a component's own check knows its component"),
    "labgen/operations/": ("patroni", "labgen asks Patroni: that is what it is about"),
    "labgen/cluster/": ("patroni", "where Patroni keeps its leader's key is Patroni's own business"),
    "labgen/bundle/": ("patroni", "asks Patroni's REST API and patronictl, and knows its lines in a journal"),
    "labgen/bundle/entries.py": ("pgbouncer", "its log lies in the folder of PostgreSQL's"),
    "labgen/actions/bundle/report.py": ("patroni", "the form of Patroni's bug reports"),
    "labgen/cli/commands/repro.py": ("patroni", "a key of the JSON that it prints"),
    "labgen/repro/tables.py": (ANY, "the order in which a result, which is read without its lab, names programs"),
    "labgen/components/manifest/files.py": (ANY, "formats of files"),
    "labgen/overrides/formats/": (ANY, "formats of files"),
}


def test_nothing_asks_for_a_component_by_its_name() -> None:
    names = [name for name in component_folders() if name != "postgresql"]
    found = set()
    for path in sorted((CHECKOUT / "labgen").rglob("*.py")):
        place = path.relative_to(CHECKOUT).as_posix()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for name in re.findall(rf"""["']({"|".join(map(re.escape, names))})["']""", line):
                if not any(place.startswith(where) and whose in (ANY, name) for where, (whose, _) in ALLOWED.items()):
                    found.add(f"{place}:{number}: {name}")
    assert not found, "ask for its role (docs/components.md), or say above why not"


@pytest.mark.parametrize("place", ALLOWED)
def test_every_place_that_may_is_there(place: str) -> None:
    assert (CHECKOUT / place).exists()


# --- the components that come with labgen -----------------------------------------------------------------------------


def lab_of(name: str, *overrides: str) -> Lab:
    return resolve(load_blueprint(find_blueprint(name)), provider="docker", overrides=overrides)


@pytest.mark.parametrize(
    ("blueprint", "members", "ports", "hosts"),
    [
        ("etcd-haproxy", ("etcd",), (2379, 2380), 1),
        ("etcd-haproxy-keepalived", ("postgresql-patroni01", "postgresql-patroni02", "postgresql-patroni03"), None, 3),
        ("consul-pgbouncer", ("consul-node1", "consul-node2", "consul-node3"), (8300, 8301, 8302), 1),
    ],
)
def test_the_dcs(blueprint: str, members: tuple[str, ...], ports: tuple[int, ...] | None, hosts: int) -> None:
    found = lab_of(blueprint)
    assert dcs_members(found) == members
    assert dcs_ports(found) == (ports or (2379, 2380))
    asked = leader_key(found, found.member_nodes[0])["hosts"]
    assert len(asked) == hosts
    assert ("127.0.0.1" in asked) == (blueprint == "consul-pgbouncer")


def test_the_vip() -> None:
    assert vip_of(lab_of("etcd-haproxy-keepalived")) == "192.168.13.48"
    assert vip_of(lab_of("consul-pgbouncer")) == "192.168.60.55"
    assert vip_of(lab_of("etcd-haproxy")) is None


def test_psql_is_where_postgresql_or_pgbouncer_is() -> None:
    found = lab_of("consul-pgbouncer")
    able = {node.name for node in found.nodes if any(found.roles_on(node, SqlClientRole))}
    assert able == {"pg-patroni1", "pg-patroni2", "pg-patroni3", "pgbouncer"}


def test_members_go_by_the_name_that_their_manager_has() -> None:
    found = lab_of("etcd-haproxy", "nodes.postgres01.patroni.name=pg-one")
    assert found.members == {"pg-one": "postgres01", "postgres02": "postgres02", "postgres03": "postgres03"}
    assert set(Patroni(found, {}, 1)._nodes) == {node.name for node in found.member_nodes}


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        (["inter=3s", "fall=3", "rise=2", "check_timeout=5s", "fastinter=", "downinter="], 3 + 2 * 3 + 5),
        (["inter=1s", "fall=1", "rise=4", "check_timeout=500ms", "downinter=10s", "fastinter=2s"], 10 + 3 * 2),
        (["inter=500ms", "fastinter=100ms", "fall=5", "rise=1", "check_timeout=1s", "downinter="], 0.5 + 4 * 0.1 + 1),
    ],
)
def test_what_haproxy_adds(changes: list[str], seconds: float) -> None:
    found = lab_of("etcd-haproxy", *(f"haproxy.{change}" for change in changes))
    direct, proxied = (predict(Effect.LEASE_EXPIRES, Route(way), found, CONFIG) for way in ((), ("haproxy",)))
    assert direct
    assert proxied
    assert proxied.high - direct.high == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "found"), [("500ms", 0.5), ("3s", 3), ("2m", 120)])
def test_times(text: str, found: float) -> None:
    assert seconds(text) == found
    with pytest.raises(ValueError, match="is no time like"):
        seconds(f"{text} ")


# --- one from outside -------------------------------------------------------------------------------------------------


def test_the_address_of_a_vip_is_drawn_where_it_is_held(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "mover", "provides: [{role: vip, address: 192.168.60.50}]\n")
    way = "paths: [{name: vip, host: 192.168.60.50, port: 5432, summary: the address}]\n"
    found = lab(tmp_path, {"one": ["mover"]}, way)
    (held,) = (line for line in build_graph(found).lines if line.kind == "held")
    assert held.head.box == "one__mover"


def test_a_dcs_and_a_proxy_from_outside(tmp_path: Path) -> None:
    root = tmp_path / "components"
    write_component(root, "keeper", "provides: [{role: dcs, unit: keeperd, ports: [2181, '{{ 2888 + 1000 }}', 0]}]\n")
    write_component(root, "manager", MANAGES)
    gate = "provides: [{role: pooler, unit: gated, ports: [7000], delays: [{why: the gate, seconds: 2.5}]}]\n"
    write_component(root, "gate", gate)
    found = lab(tmp_path, {"one": ["keeper", "manager"], "two": ["manager"], "three": ["gate", "keeper"]})
    cluster = ClusterState(found, "one", 1, ("two",))
    assert dcs_members(found) == ("one", "three")
    assert dcs_ports(found) == (2181, 3888)
    assert find_targets("proxy", cluster) == ("three",)
    assert find_targets("dcs-member", cluster) == ("three",)
    (injection,) = find_fault("dcs-stop").plan(cluster, found.node("three"), {})
    assert injection.command == "systemctl stop keeperd"
    assert route_of(found, "three", 7000) == Route(("gate",))
    assert route_of(found, "three", 7001) == Route()
    span = predict(Effect.CLEAN_HANDOVER, Route(("gate",)), found, CONFIG)
    assert span
    assert span.why.endswith("+ the gate")


@pytest.mark.parametrize(
    ("provides", "what"),
    [
        ("{role: vip, address: '{{ p.adress }}'}", "the address '{{ p.adress }}' of part cannot be worked out on one"),
        (
            "{role: vip, address: 192.168.60.50, delays: [{why: it, seconds: p.wait}]}",
            "the delay 'p.wait' of part cannot be worked out on one",
        ),
    ],
)
def test_what_cannot_be_worked_out_names_the_manifest(tmp_path: Path, provides: str, what: str) -> None:
    write_component(tmp_path / "components", "part", f"provides: [{provides}]\n")
    found = lab(tmp_path, {"one": ["part"]})
    with pytest.raises(UsageError) as caught:
        predict(Effect.LEASE_EXPIRES, route_of(found, "192.168.60.50", 5432), found, CONFIG)
    assert caught.value.what.startswith(what)
    assert str(caught.value.where).endswith("part/component.yml")


def test_a_role_is_that_of_the_nodes_with_its_parameters() -> None:
    found = lab_of("consul-pgbouncer")
    (proxy,) = found.providing(ProxyRole)
    assert (proxy.component, [node.name for node in proxy.nodes]) == ("pgbouncer", ["pgbouncer"])
    assert [one.component for one in found.providing(FailoverManagerRole)] == ["patroni"]
    assert [one.component for one in found.providing(VipRole)] == ["floating-ip"]
