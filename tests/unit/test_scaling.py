"""More and fewer Patroni nodes: which come, which go, and what becomes of the blueprint."""

from __future__ import annotations

from pathlib import Path

import pytest
from labs import MANAGES, blueprint_text, load, write_component

from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.errors import DocumentError, OperationError, UsageError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.scaling import Scale, begun, grown, leaving, scaled
from labgen.lab.secrets import make_secrets
from labgen.plan import build_plan
from labgen.render.nodes import render_nodes


def shipped(name: str) -> LoadedBlueprint:
    return load_blueprint(find_blueprint(name))


def lab(loaded: LoadedBlueprint, scale: Scale | None = None, *overrides: str) -> Lab:
    return resolve(scaled(loaded, scale or Scale()), provider="docker", overrides=overrides)


def bigger(loaded: LoadedBlueprint, by: int = 1, *overrides: str) -> Scale:
    scale = Scale()
    for _ in range(by):
        scale = grown(lab(loaded, scale, *overrides), scale)
    return scale


def test_a_node_more_is_like_the_last_one() -> None:
    loaded = shipped("etcd-patroni-ops")
    scale = bigger(loaded)
    assert scale.added == (("node4", "10.10.1.14"),)
    found = lab(loaded, scale)
    assert [node.name for node in found.nodes] == ["node0", "node1", "node2", "node3", "node4"]
    old, new = found.node("node3"), found.node("node4")
    assert (new.components, new.settings, new.memory, new.cpus) == (old.components, old.settings, old.memory, old.cpus)
    assert new.address == "10.10.1.14"
    assert [path.summary for path in found.blueprint.paths if path.host == "node4"] == ["PostgreSQL on node4"]
    assert [name for name, _ in bigger(loaded, 3).added] == ["node4", "node5", "node6"]


def test_the_blueprint_itself_stays_as_it_is() -> None:
    loaded = shipped("etcd-patroni-ops")
    assert scaled(loaded, Scale()) is loaded
    scaled(loaded, bigger(loaded))
    assert len(loaded.blueprint.nodes) == 4


def test_what_is_one_nodes_own_is_not_copied() -> None:
    loaded = shipped("consul-pgbouncer")
    found = lab(loaded, bigger(loaded))
    new = found.node("pg-patroni4")
    assert found.node("pg-patroni3").settings["consul"]["node_name"] == "patroni3-client"
    assert (new.settings["consul"]["node_name"], new.settings["consul"]["role"]) == ("", "client")
    # .14 is PgBouncer's; the new node stands after the last one of its kind.
    assert new.address == "192.168.60.15"
    assert [node.name for node in found.nodes][5:7] == ["pg-patroni3", "pg-patroni4"]


def test_a_floating_ip_is_not_given_away() -> None:
    loaded = shipped("consul-pgbouncer")
    scale = bigger(loaded, 1, "floating-ip.address=192.168.60.15")
    assert scale.added == (("pg-patroni4", "192.168.60.16"),)


CLUSTER = {"one": ["patroni", "dcs"], "node9": ["patroni", "dcs"]}


@pytest.fixture
def components(tmp_path: Path) -> Path:
    """Components by the names of the built-in ones, but small."""
    root = tmp_path / "components"
    write_component(root, "patroni", MANAGES)
    write_component(root, "dcs", "scales: false\n")
    return root


@pytest.mark.usefixtures("components")
def test_a_counted_member_is_not_made(tmp_path: Path) -> None:
    loaded = load(tmp_path, blueprint_text(CLUSTER))
    found = lab(loaded, bigger(loaded, 2))
    assert [(n.name, n.components) for n in found.nodes[2:]] == [("node10", ("patroni",)), ("node11", ("patroni",))]


def test_what_needs_a_counted_member_cannot_be_made(tmp_path: Path, components: Path) -> None:
    write_component(components, "proxy", "requires: [dcs]\n")
    loaded = load(tmp_path, blueprint_text({"one": ["patroni", "dcs", "proxy"], "two": ["patroni", "dcs", "proxy"]}))
    with pytest.raises(UsageError, match="two2 cannot be added: proxy needs dcs on its node, which does not scale"):
        lab(loaded, bigger(loaded))


def test_values_with_which_a_component_scales(tmp_path: Path, components: Path) -> None:
    role = "parameters: {role: {type: string, default: server, doc: its role}}\nscales: {role: client}\n"
    write_component(components, "dcs", role)
    loaded = load(tmp_path, blueprint_text({"zero": ["patroni"], **CLUSTER}))
    with pytest.raises(OperationError, match="node9 cannot leave: it also carries dcs, whose members are counted"):
        leaving(lab(loaded), 1)
    found = lab(loaded, bigger(loaded))
    assert found.node("node10").settings["dcs"]["role"] == "client"
    assert leaving(found, 1) == ("node10",)


@pytest.mark.parametrize(
    ("nodes", "name", "address"),
    [
        (["node3", "node4"], "node5", "192.168.60.13"),
        (["postgres09", "postgres10"], "postgres11", "192.168.60.13"),
        (["node01", "node99"], "node100", "192.168.60.13"),
        (["node5", "main"], "main2", "192.168.60.13"),
        (["node4", "node3"], "node5", "192.168.60.13"),
    ],
)
def test_names_and_addresses(tmp_path: Path, nodes: list[str], name: str, address: str) -> None:
    write_component(tmp_path / "components", "patroni", MANAGES)
    loaded = load(tmp_path, blueprint_text({node: ["patroni"] for node in nodes}))
    assert bigger(loaded).added == ((name, address),)


def test_a_full_network(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "patroni", MANAGES)
    text = blueprint_text({"one": ["patroni"], "two": ["patroni"]}).replace("0/24", "8/29")
    loaded = load(tmp_path, text)
    assert bigger(loaded, 2).added[-1] == ("two3", "192.168.60.14")
    with pytest.raises(OperationError, match=r"no free address after 192.168.60.14 in 192.168.60.8/29"):
        bigger(loaded, 3)


def test_the_last_one_goes_first_and_comes_back_first() -> None:
    loaded = shipped("etcd-patroni-ops")
    two = bigger(loaded, 2)
    assert leaving(lab(loaded, two), 3) == ("node5", "node4", "node3")
    scale = two
    for name in leaving(lab(loaded, two), 3):
        scale = scale.without(name)
    assert scale == Scale(removed=("node3",))
    found = lab(loaded, scale)
    assert [node.name for node in found.nodes] == ["node0", "node1", "node2"]
    assert {path.host for path in found.blueprint.paths} == {"node1", "node2"}
    again = grown(found, scale)
    assert again == Scale()
    assert lab(loaded, again).node("node3").address == "10.10.1.13"


def test_two_stay() -> None:
    loaded = shipped("etcd-patroni-ops")
    assert leaving(lab(loaded), 1) == ("node3",)
    assert leaving(lab(loaded), 0) == ()
    for by, left in ((2, 1), (3, 0), (7, 0)):
        with pytest.raises(OperationError, match=f"3 nodes carry Patroni, and {left} would be left"):
            leaving(lab(loaded), by)


def test_without_patroni_there_is_nothing_to_scale(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "agent")
    found = lab(load(tmp_path, blueprint_text({"one": ["agent"]})))
    for work in (lambda: grown(found, Scale()), lambda: leaving(found, 1)):
        with pytest.raises(OperationError, match="no node of sample carries Patroni"):
            work()


def test_a_scale_that_was_cut_off_goes_on() -> None:
    under_way = begun(Scale(), -2, "sample")
    assert (under_way.by, under_way.left) == (-2, 2)
    half = under_way.without("node3")
    assert (half.by, half.left, half.removed) == (-2, 1, ("node3",))
    assert begun(half, -2, "sample") is half
    with pytest.raises(OperationError, match="a scale of -2 has not come to its end"):
        begun(half, -1, "sample")
    assert begun(half, +1, "sample") == Scale(removed=("node3",), by=1)
    assert begun(half.settled, -1, "sample") == Scale(removed=("node3",), by=-1, left=1)
    assert half.without("node2").without("node1").left == 0


@pytest.mark.parametrize(
    ("name", "address", "what"), [("node4", "10.10.1.99", "name"), ("other", "10.10.1.14", "address")]
)
def test_an_edited_blueprint_takes_nothing_away(tmp_path: Path, name: str, address: str, what: str) -> None:
    scale = bigger(shipped("etcd-patroni-ops"))
    text = find_blueprint("etcd-patroni-ops").read_text()
    edited = tmp_path / "etcd-patroni-ops.yml"
    line = f"  - {{name: {name}, address: {address}, components: [postgresql, patroni]}}\n"
    edited.write_text(text.replace("\nsettings:", f"{line}\nsettings:", 1))
    with pytest.raises(
        UsageError, match=rf"added node4 \(10.10.1.14\) to the lab, and the blueprint's node {name} has the same {what}"
    ):
        scaled(load_blueprint(edited), scale)


def test_rules_hold_for_the_new_node_too() -> None:
    loaded = shipped("etcd-patroni-ops")
    with pytest.raises((UsageError, DocumentError), match="rule"):
        lab(loaded, bigger(loaded), "nodes.node4.patroni.ttl=20")


@pytest.mark.parametrize("name", sorted(blueprint_files()))
def test_every_built_in_blueprint_can_be_scaled_out(name: str) -> None:
    loaded = shipped(name)
    for profile in loaded.blueprint.profiles:
        before = resolve(loaded, provider="docker", profile=profile)
        after = resolve(scaled(loaded, grown(before, Scale())), provider="docker", profile=profile)
        last, new = before.nodes_with("patroni")[-1], after.nodes_with("patroni")[-1]
        assert new not in before.nodes
        assert set(new.components) == set(last.components) - {"etcd"}
        assert leaving(after, 1) == (new.name,)
        steps = {str(step.id) for step in build_plan(after).steps} - {str(step.id) for step in build_plan(before).steps}
        assert all(step.startswith(f"{new.name}/") for step in steps)
        render_nodes(after, make_secrets(after.components.values()))
