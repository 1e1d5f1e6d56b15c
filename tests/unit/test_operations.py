"""Switchover, maintenance, reinit and a member's leave against a cluster that answers as Patroni does."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen.actions.cluster.maintenance import Maintenance, maintain
from labgen.actions.cluster.reinit import copy_anew
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import LabgenError, NodeError, OperationError, UnknownNameError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.operations import Patroni, choose, forget_member, hand_over, handover, leader_of, parse_view, until
from labgen.operations import patroni as patroni_module
from labgen.operations.membership import slot_name
from tests.fakes.patroni import FakeCluster

PARSERS = Path(__file__).parents[1] / "parsers"


def silent(_text: str) -> None: ...


@pytest.fixture(scope="module")
def lab() -> Lab:
    return resolve(load_blueprint(find_blueprint("etcd-patroni-ops")), provider="docker")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two looks at a cluster that is not real."""
    monkeypatch.setattr(patroni_module, "POLL", 0.0)
    monkeypatch.setattr(handover, "POLL", 0.01)
    monkeypatch.setattr(handover, "PASSES", 0.1)


@pytest.fixture
def cluster(lab: Lab) -> FakeCluster:
    return FakeCluster(lab)


@pytest.fixture
def patroni(lab: Lab, cluster: FakeCluster) -> Patroni:
    return Patroni(lab, cluster.connections)


def posted(cluster: FakeCluster) -> list[tuple[str, object]]:
    return [(path, body) for method, path, body in cluster.heard if method == "POST"]


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize("version", ["2.0.2", "4.0.7", "4.1.5"])
def test_a_healthy_cluster_of_any_version(version: str) -> None:
    view = parse_view((PARSERS / "patroni_cluster" / f"healthy-{version}.txt").read_text())
    assert view.leader is not None
    replicas = [name for name in view.members if name != view.leader.name]
    assert len(replicas) == 2
    assert all(view.follows(name) for name in replicas)
    assert not view.follows(view.leader.name)
    assert not view.follows("nobody")
    assert {view.lags[name] for name in replicas} == {0}
    assert view.barred == frozenset()


@pytest.mark.parametrize("version", ["2.0.2", "4.1.5"])
def test_old_timeline_and_no_leader(version: str) -> None:
    view = parse_view((PARSERS / "patroni_cluster" / f"old-timeline-{version}.txt").read_text())
    assert not all(view.follows(name) for name in view.members if view.leader and name != view.leader.name)
    view = parse_view((PARSERS / "patroni_cluster" / f"leaderless-{version}.txt").read_text())
    assert view.leader is None
    assert not any(view.follows(name) for name in view.members)


# ---------------------------------------------------------------- who takes over


def test_the_best_replica(patroni: Patroni, cluster: FakeCluster) -> None:
    def best(**more: object) -> str:
        return choose(patroni.view(), None, lab="x", **more)  # type: ignore[arg-type]

    assert best() == "node2"
    cluster.members["node2"].lag = 4096
    assert best() == "node3"
    cluster.members["node2"].role = "sync_standby"
    assert best() == "node2"
    assert best(synchronous=True) == "node2"
    assert best(avoid=["node2"]) == "node3"
    cluster.members["node3"].role = "quorum_standby"
    assert best(synchronous=True) == "node3"
    cluster.members["node3"].tags = {"nofailover": True}
    assert best() == "node2"
    cluster.members["node2"].lag = 2 << 20
    with pytest.raises(OperationError, match="no replica can take over") as caught:
        best(most=1 << 20)
    assert caught.value.detail == (
        "node2 is 2097152 bytes behind, more than maximum_lag_on_failover, which is 1048576",
        "node3 has the tag nofailover: it never leads",
    )


@pytest.mark.parametrize("state", ["stopped", "starting", "creating replica", "start failed", ""])
def test_a_replica_that_does_not_follow_is_not_chosen(patroni: Patroni, cluster: FakeCluster, state: str) -> None:
    cluster.members["node2"].state = state
    assert choose(patroni.view(), None, lab="x") == "node3"


def test_a_replica_left_behind_is_not_chosen(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.members["node2"].timeline = 1
    assert choose(patroni.view(), None, lab="x") == "node3"
    cluster.members["node3"].lag = "unknown"
    with pytest.raises(OperationError, match="no replica can take over"):
        choose(patroni.view(), None, lab="x")


# ---------------------------------------------------------------- switchover


@pytest.mark.parametrize(("word", "version"), [("master", "2.0.2"), ("primary", "4.1.5")])
def test_hand_over(lab: Lab, word: str, version: str) -> None:
    cluster = FakeCluster(lab, word=word, version=version)
    done = hand_over(Patroni(lab, cluster.connections), "node3", silent)
    assert (done.old, done.new) == ("node1", "node3")
    assert posted(cluster) == [("switchover", {"leader": "node1", "candidate": "node3"})]
    assert done.before.leader is not None
    assert done.after.leader is not None
    assert (done.before.leader.name, done.after.leader.name) == ("node1", "node3")
    assert done.after.follows("node1")
    assert 0 <= done.led <= done.whole


@pytest.mark.parametrize(
    "change",
    [{"timeline": 1}, {"state": "starting"}, {"lag": "unknown"}, {"role": "replica", "state": "stopped"}],
)
def test_right_after_a_failover_it_waits(
    patroni: Patroni, cluster: FakeCluster, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "PASSES", 30.0)
    heard: list[str] = []
    sound = {name: dict(vars(member)) for name, member in cluster.members.items()}

    def told(text: str) -> None:
        if not heard:
            for name, values in sound.items():
                vars(cluster.members[name]).update(values)  # it passes while it is waited for
        heard.append(text)

    for name in ("node2", "node3"):
        vars(cluster.members[name]).update(change)
    done = hand_over(patroni, None, told)
    assert done.new == "node2"
    assert heard[0] == "no replica can take over: waiting up to 30 s for that to pass"


@pytest.mark.parametrize("tag", ["nofailover", "nosync"])
def test_what_does_not_pass_is_not_waited_for(patroni: Patroni, cluster: FakeCluster, tag: str) -> None:
    cluster.config["synchronous_mode"] = True
    for name in ("node2", "node3"):
        cluster.members[name].tags = {tag: True}
    heard: list[str] = []
    with pytest.raises(OperationError, match="no replica can take over") as caught:
        hand_over(patroni, None, heard.append)
    assert heard == []
    assert caught.value.cure is not None
    for name in ("node2", "node3"):
        assert f"--set nodes.{name}.patroni.tags.{tag}=false" in caught.value.cure


def test_no_password_is_in_a_command(patroni: Patroni, cluster: FakeCluster) -> None:
    hand_over(patroni, None, silent)
    told = [command for command in cluster.commands if "POST" in command]
    assert [command.split(":")[0] for command in told] == ["node1"]
    assert "--config /etc/patroni/rest-api.curl" in told[0]
    assert not any("--user" in command or "-u " in command for command in cluster.commands)


def test_it_waits_until_the_old_leader_follows(patroni: Patroni, cluster: FakeCluster) -> None:
    looks = 0

    def recover() -> None:
        nonlocal looks
        old = cluster.members["node1"]
        if old.role != "leader":
            looks += 1
            old.state = "streaming" if looks > 5 else "stopped"
            if looks > 8:
                old.timeline = cluster.members["node2"].timeline
            else:
                old.timeline = 1

    cluster.after.append(recover)
    done = hand_over(patroni, None, silent)
    assert looks > 8
    assert done.after.members["node1"].timeline == done.after.members["node2"].timeline


def test_a_replica_that_was_broken_before_is_not_waited_for(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.members["node3"].state = "stopped"
    assert hand_over(patroni, "node2", silent).new == "node2"


def test_the_cluster_is_asked_of_whoever_answers(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.members["node2"].answers = False
    cluster.lead("node3")
    cluster.members["node1"].answers = False
    assert leader_of(patroni.view(), "x").name == "node3"
    cluster.commands.clear()
    patroni.view()
    assert [command.split(":")[0] for command in cluster.commands] == ["node3"]


def test_patroni_says_no(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.refuses["switchover"] = (412, "switchover is not possible: no good candidates have been found")
    with pytest.raises(OperationError, match="no good candidates have been found"):
        hand_over(patroni, None, silent)
    cluster.refuses["switchover"] = (200, 'Switched over to "node3" instead of "node2"')
    with pytest.raises(OperationError, match="instead of"):
        hand_over(patroni, "node2", silent)


def test_synchronous_mode_is_read_from_the_configuration(patroni: Patroni, cluster: FakeCluster) -> None:
    for value in (True, "on", "quorum"):
        cluster.config["synchronous_mode"] = value
        with pytest.raises(OperationError, match="node2 is not synchronous"):
            hand_over(patroni, "node2", silent)
    cluster.config["synchronous_mode"] = "off"
    assert hand_over(patroni, "node2", silent).new == "node2"


def test_only_nodes_with_patroni(patroni: Patroni) -> None:
    with pytest.raises(UnknownNameError, match="no node is called 'node9'"):
        hand_over(patroni, "node9", silent)
    with pytest.raises(UnknownNameError, match="no node with Patroni is called 'node0'"):
        hand_over(patroni, "node0", silent)


def test_nodes_that_do_not_run(lab: Lab, cluster: FakeCluster) -> None:
    class Running(dict):  # type: ignore[type-arg]
        def __missing__(self, node: str) -> None:
            raise UnknownNameError("running node", node, self)

    patroni = Patroni(lab, Running(node1=cluster.connections["node1"]))
    with pytest.raises(NodeError, match="node2 is not running"):
        patroni.status("node2")
    with pytest.raises(OperationError, match="no Patroni tells") as caught:
        Patroni(lab, Running()).view()
    assert caught.value.detail == ("node1 is not running", "node2 is not running", "node3 is not running")


# ---------------------------------------------------------------- maintenance


def test_maintenance_on_and_off(patroni: Patroni, cluster: FakeCluster) -> None:
    assert maintain(patroni, None, silent) == Maintenance(False, {"node1": False, "node2": False, "node3": False})
    assert maintain(patroni, True, silent) == Maintenance(True, {"node1": True, "node2": True, "node3": True})
    assert cluster.config["pause"] is True
    changes = len([method for method, *_ in cluster.heard if method == "PATCH"])
    assert maintain(patroni, True, silent).on
    assert len([method for method, *_ in cluster.heard if method == "PATCH"]) == changes == 1
    assert not maintain(patroni, False, silent).on
    assert "pause" not in cluster.config


def test_a_member_that_does_not_answer_is_not_waited_for(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.members["node1"].answers = False
    assert maintain(patroni, True, silent).members == {"node1": None, "node2": True, "node3": True}
    for member in cluster.members.values():
        member.answers = False
    with pytest.raises(OperationError, match="no Patroni tells"):
        maintain(patroni, None, silent)


def test_a_member_that_does_not_hear_of_it(
    patroni: Patroni, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf() -> None:
        cluster.members["node3"].paused = False

    monkeypatch.setattr("labgen.actions.cluster.maintenance.TIMEOUT", 0.05)
    cluster.after.append(deaf)
    with pytest.raises(OperationError, match="no agreement of all members that maintenance mode is on"):
        maintain(patroni, True, silent)


# ---------------------------------------------------------------- reinit


def test_a_replica_is_copied_anew(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.members["node3"].state, cluster.members["node3"].timeline = "start failed", 1
    done = copy_anew(patroni, "node3", silent)
    assert posted(cluster) == [("reinitialize", {"force": True})]
    assert (done.node, done.leader) == ("node3", "node1")
    assert done.after.follows("node3")


def test_the_old_data_that_still_streams_is_no_success(
    patroni: Patroni, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labgen.actions.cluster.reinit.TIMEOUT", 0.05)
    cluster.refuses["reinitialize"] = (200, "reinitialize started")
    with pytest.raises(OperationError, match="no replica node3 that streams from node1"):
        copy_anew(patroni, "node3", silent)


def test_reinit_of_the_leader(patroni: Patroni, cluster: FakeCluster) -> None:
    with pytest.raises(OperationError, match="node1 is the leader"):
        copy_anew(patroni, "node1", silent)
    assert posted(cluster) == []


# ---------------------------------------------------------------- a member leaves


@pytest.mark.parametrize("version", ["3.3.0", "4.0.7"])
def test_the_slot_of_a_member_that_left_goes(lab: Lab, version: str) -> None:
    cluster = FakeCluster(lab, version=version)
    patroni = Patroni(lab, cluster.connections)
    del cluster.members["node3"]
    if version.startswith("4"):
        cluster.retained = {"node3"}
        cluster.config["member_slots_ttl"] = 600
    forget_member(patroni, "node3", silent)
    assert cluster.slots == ["node1", "node2"]
    assert cluster.config.get("member_slots_ttl") == (600 if version.startswith("4") else None)
    assert cluster.config["ttl"] == 30


def test_retention_comes_back_even_if_the_slot_stays(
    patroni: Patroni, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labgen.operations.membership.TIMEOUT", 0.05)
    del cluster.members["node3"]
    cluster.after.append(lambda: cluster.slots.append("node3"))
    with pytest.raises(OperationError, match="still no end of the replication slot node3 on node1"):
        forget_member(patroni, "node3", silent)
    assert "member_slots_ttl" not in cluster.config


def test_without_slots_there_is_nothing_to_drop(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.slots = []
    del cluster.members["node3"]
    forget_member(patroni, "node3", silent)
    assert [method for method, *_ in cluster.heard if method == "PATCH"] == []


def test_a_member_that_stays(patroni: Patroni, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.operations.membership.TIMEOUT", 0.05)
    cluster.config["ttl"] = 0
    with pytest.raises(OperationError, match="still no cluster without the member node3"):
        forget_member(patroni, "node3", silent)


def test_slot_names() -> None:
    assert slot_name("pg-patroni3") == "pg_patroni3"


# ---------------------------------------------------------------- waiting


def test_until_forgives_silence_and_then_says_what_was_said() -> None:
    answers = iter([OperationError("not yet"), OperationError("nor now"), None])

    def ask() -> str:
        if why := next(answers):
            raise why
        return "here"

    assert until("answer", 10, ask, lab="x") == "here"
    with pytest.raises(OperationError, match="after 0 seconds there is still no answer") as caught:
        until("answer", 0, lambda: (_ for _ in ()).throw(LabgenError("it is asleep")), lab="x")
    assert caught.value.detail == ("it is asleep",)


def test_an_answer_that_is_no_document(patroni: Patroni, cluster: FakeCluster) -> None:
    cluster.answer = lambda *_: (200, "<html>")  # type: ignore[method-assign]
    with pytest.raises(OperationError, match="GET /config is answered with <html>"):
        patroni.config()
    with pytest.raises(OperationError, match="no Patroni tells"):
        patroni.view()
    cluster.answer = lambda *_: (502, "<!DOCTYPE html>\n<title>Error response</title>")  # type: ignore[method-assign]
    with pytest.raises(OperationError, match="GET /patroni is answered with status 502"):
        patroni.status("node1")
