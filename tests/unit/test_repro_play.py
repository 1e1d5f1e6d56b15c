"""A try from its first action to its verdict, on nodes whose answers are written down; and what is done in any case."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labgen.errors import NodeError
from labgen.faults.undo import FILE, Undos, left_over
from labgen.repro import actions as doing
from labgen.repro import judge, play
from labgen.repro.judge import ConditionResult, ReproVerdict, Ternary, either, every, negated, verdict_on
from labgen.repro.model import Reproduction
from labgen.repro.play import Attempt, State
from tests.fakes.repro import SILENT, Said, Stage

YES, NO, UNKNOWN = Ternary.YES, Ternary.NO, Ternary.UNKNOWN


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(play, "POLL", 0.01)
    monkeypatch.setattr(doing, "POLL", 0.01)
    return Stage()


@pytest.fixture
def tried(stage: Stage, tmp_path: Path) -> Callable[..., Attempt]:
    """Plays actions, then looks at conditions; a second at most for each of them."""

    def work(*actions: dict[str, Any], cluster: bool = True, **more: Any) -> Attempt:
        document = Reproduction.model_validate_json(
            json.dumps(
                {
                    "name": "sample",
                    "title": "A sample",
                    "lab": "x",
                    "within": 0.2,
                    "seen": [{"output": {"on": "leader", "command": "is-bad"}}],
                    **more,
                    "actions": actions or [{"heal": {}}],
                }
            )
        )
        undos = Undos(tmp_path / FILE, "r1", "reproduction sample")
        return play.play(document, stage.begin(cluster=cluster), stage.nodes, undos, lambda _: None)  # type: ignore[arg-type]

    return work


FINE = [{"output": {"on": "leader", "command": "is-fine"}}]

# --- what follows from what holds -------------------------------------------------------------------------------------


def test_three_valued_logic() -> None:
    assert every([]) is YES
    assert every([YES, UNKNOWN]) is UNKNOWN
    assert every([YES, UNKNOWN, NO]) is NO
    assert either([NO, UNKNOWN]) is UNKNOWN
    assert either([NO, UNKNOWN, YES]) is YES
    assert either([NO, NO]) is NO
    assert [negated(it) for it in (YES, NO, UNKNOWN)] == [NO, YES, UNKNOWN]


@pytest.mark.parametrize(
    ("seen", "otherwise", "verdict"),
    [
        ((YES, YES), (), ReproVerdict.REPRODUCED),
        ((YES, YES), (NO,), ReproVerdict.REPRODUCED),
        ((YES, YES), (UNKNOWN,), ReproVerdict.REPRODUCED),
        ((YES,), (YES,), ReproVerdict.UNKNOWN),  # they do not tell the two apart
        ((YES, NO), (), ReproVerdict.NOT_REPRODUCED),
        ((YES, NO), (YES,), ReproVerdict.NOT_REPRODUCED),
        ((NO, UNKNOWN), (YES,), ReproVerdict.NOT_REPRODUCED),
        ((NO,), (NO,), ReproVerdict.UNKNOWN),
        ((NO,), (UNKNOWN,), ReproVerdict.UNKNOWN),
        ((YES, UNKNOWN), (), ReproVerdict.UNKNOWN),
        ((YES, UNKNOWN), (YES,), ReproVerdict.UNKNOWN),
        ((NO, UNKNOWN), (), ReproVerdict.UNKNOWN),
    ],
)
def test_verdicts(seen: tuple[Ternary, ...], otherwise: tuple[Ternary, ...], verdict: ReproVerdict) -> None:
    def judged(group: tuple[Ternary, ...]) -> list[ConditionResult]:
        return [ConditionResult("it", holds, "so", ()) for holds in group]

    found, reasons = verdict_on(None, judged(seen), judged(otherwise))
    assert found is verdict
    assert bool(reasons) is (verdict is not ReproVerdict.REPRODUCED)
    assert verdict_on("it broke", judged(seen), judged(otherwise)) == (ReproVerdict.UNKNOWN, ("it broke",))


# --- actions ----------------------------------------------------------------------------------------------------------


def test_reproduced(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("is-fine", Said(rc=1))
    it = tried({"run": {"on": "leader", "command": "do-it"}}, otherwise=FINE)
    assert it.verdict is ReproVerdict.REPRODUCED
    assert [(done.state, done.title) for done in it.actions] == [(State.DONE, "leader: `do-it`")]
    assert it.actions[0].evidence[0].command == "do-it"
    assert [judged.holds for judged in (*it.seen, *it.otherwise)] == [YES, NO]


def test_not_reproduced(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("is-bad", Said(rc=1, stderr="nothing bad\n"))
    it = tried(otherwise=FINE)
    assert it.verdict is ReproVerdict.NOT_REPRODUCED
    assert it.reasons == ("not seen: leader: `is-bad` succeeds: node1: exit 1: nothing bad",)


def test_what_is_seen_may_come_late(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("is-bad", Said(rc=1), Said(rc=1), Said())
    assert tried(within=5).verdict is ReproVerdict.REPRODUCED


def test_an_action_that_fails_is_the_last(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("do-it", Said(rc=4, stderr="no rest-secret here\n"))
    it = tried({"run": {"on": "leader", "command": "do-it"}}, {"run": {"on": "leader", "command": "then-this"}})
    assert it.verdict is ReproVerdict.UNKNOWN
    assert it.reasons == ("leader: `do-it`: node1: exit 4: no ‹secret patroni.rest_password› here",)
    assert [done.state for done in it.actions] == [State.FAILED, State.LEFT_OUT]
    assert not any("then-this" in command for command in stage.nodes["node1"].commands)
    # What is there to see is looked at all the same.
    assert it.seen[0].holds is YES


@pytest.mark.parametrize(
    ("action", "said", "why"),
    [
        ({"run": {"command": "do-it", "exit": 7}}, Said(), "node1: exit 0, not 7"),
        ({"run": {"command": "do-it"}}, SILENT, "node1: the connection was lost"),
        (
            {"sql": {"statement": "do-it"}},
            Said("", 1, "ERROR:  do it yourself\n"),
            "node1: exit 1: ERROR:  do it yourself",
        ),
        (
            {"rest": {"path": "/do-it", "method": "POST"}},
            Said("no\n503"),
            "node1: POST /do-it is answered with 503, not 2xx: no",
        ),
        (
            {"rest": {"path": "/do-it", "status": 409}},
            Said("yes\n200"),
            "node1: GET /do-it is answered with 200, not 409: yes",
        ),
        ({"rest": {"path": "/do-it"}}, Said("", 7, "curl: (7) nobody\n"), "node1: exit 7: curl: (7) nobody"),
    ],
)
def test_actions_that_fail(
    stage: Stage, tried: Callable[..., Attempt], action: dict[str, Any], said: Said, why: str
) -> None:
    stage.nodes["node1"].says("do-it", said)
    ((kind, body),) = action.items()
    it = tried({kind: {"on": "leader", **body}})
    assert it.actions[0].state is State.FAILED
    assert it.actions[0].why == why


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"run": {"command": "do-it", "exit": "any"}}, Said(rc=9)),
        ({"run": {"command": "do-it", "exit": 9}}, Said(rc=9)),
        ({"sql": {"statement": "do-it"}}, Said("1\n")),
        ({"rest": {"path": "/do-it", "method": "PATCH", "body": {"ttl": 40}}}, Said("yes\n200")),
        ({"rest": {"path": "/do-it", "status": 503}}, Said("no\n503")),
    ],
)
def test_actions_that_succeed(stage: Stage, tried: Callable[..., Attempt], action: dict[str, Any], said: Said) -> None:
    stage.nodes["node1"].says("do-it", said)
    ((kind, body),) = action.items()
    assert tried({kind: {"on": "leader", **body}}).actions[0].state is State.DONE
    # A body goes by the input, as what calls that change something need to be allowed is in a file on the node.
    assert stage.nodes["node1"].stdin == (['{"ttl": 40}'] if "body" in body else [])


def test_a_switchover(stage: Stage, tried: Callable[..., Attempt]) -> None:
    it = tried({"switchover": {"to": "replica"}}, seen=[{"output": {"on": "replica", "command": "is-bad"}}])
    assert it.actions[0].state is State.DONE
    assert stage.cluster.leader is not None
    assert stage.cluster.leader.name == "node2"
    again = tried({"switchover": {"to": "leader-now"}})
    assert again.actions[0].why == "node2 leads already"


def test_a_switchover_that_patroni_refuses(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.cluster.refuses["switchover"] = (412, "node2 does not exist")
    it = tried({"switchover": {}})
    assert it.actions[0].why == "Patroni on node1 says no to POST /switchover: node2 does not exist"


def test_a_wait(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("come-about", Said(rc=1), SILENT, Said("now\n"))
    until = {"output": {"on": "leader", "command": "come-about"}}
    it = tried({"wait": {"until": until, "within": 5}})
    assert (it.actions[0].state, it.actions[0].why) == (State.DONE, "node1: now")


def test_a_wait_that_runs_out(stage: Stage, tried: Callable[..., Attempt]) -> None:
    stage.nodes["node1"].says("come-about", Said(rc=1, stderr="not yet\n"))
    began = time.monotonic()
    it = tried({"wait": {"until": {"output": {"on": "leader", "command": "come-about"}}, "within": 0.2}})
    assert time.monotonic() - began < 5
    assert it.verdict is ReproVerdict.UNKNOWN
    assert it.actions[0].why == "after 0.2 s not yet: leader: `come-about` succeeds: node1: exit 1: not yet"
    assert it.actions[0].evidence[0].stderr == "not yet\n"


# --- faults -----------------------------------------------------------------------------------------------------------

STOP = {"fault": {"fault": "patroni-stop"}}


def test_faults_are_healed_in_the_end(stage: Stage, tried: Callable[..., Attempt], tmp_path: Path) -> None:
    it = tried(STOP, {"fault": {"fault": "dcs-stop", "target": "etcd"}})
    assert [done.state for done in it.actions] == [State.DONE, State.DONE]
    assert [done.title for done in it.actions] == ["fault patroni-stop", "fault dcs-stop on etcd"]
    said = stage.nodes["node1"].commands
    at = next(index for index, command in enumerate(said) if command == "systemctl stop patroni")
    # The node heals itself should labgen die: the timer is set before the injection is done.
    assert any("systemd-run" in command and "--on-active=" in command for command in said[:at])
    assert any("systemctl start --no-block patroni" in command for command in said[at:])
    assert any("systemctl start --no-block etcd" in command for command in stage.nodes["etcd"].commands)
    assert left_over(tmp_path) is None


def test_the_undo_is_on_the_disk_before_the_deed(stage: Stage, tried: Callable[..., Attempt], tmp_path: Path) -> None:
    titles: list[str] = []

    def look() -> None:
        undos = left_over(tmp_path)
        assert undos is not None
        titles.extend([undos.what, *(undo.title for undo in undos.entries)])

    stage.nodes["node1"].says("systemctl stop patroni", Said(before=look))
    tried(STOP)
    assert titles == ["reproduction sample", "node1 has its Patroni stopped in order"]


def test_healing_on_the_way(stage: Stage, tried: Callable[..., Attempt]) -> None:
    it = tried(STOP, {"heal": {}}, {"run": {"on": "leader", "command": "after-that"}})
    assert [done.state for done in it.actions] == [State.DONE] * 3
    said = stage.nodes["node1"].commands
    healed = next(index for index, command in enumerate(said) if "start --no-block patroni" in command)
    assert healed < next(index for index, command in enumerate(said) if "after-that" in command)


def test_ctrl_c_heals_first(stage: Stage, tried: Callable[..., Attempt], tmp_path: Path) -> None:
    stage.nodes["node1"].says("never-ends", Said(raises=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        tried(STOP, {"run": {"on": "leader", "command": "never-ends"}})
    assert any("systemctl start --no-block patroni" in command for command in stage.nodes["node1"].commands)
    assert left_over(tmp_path) is None


def test_what_cannot_be_healed_is_said_and_stays_written_down(
    stage: Stage, tried: Callable[..., Attempt], tmp_path: Path
) -> None:
    stage.nodes["node1"].says("start --no-block patroni", Said(raises=NodeError("node1 is gone")))
    it = tried(STOP)
    assert it.verdict is ReproVerdict.REPRODUCED
    assert it.unhealed == ("node1 is gone",)
    assert left_over(tmp_path) is not None


def test_a_fault_that_is_not_possible(tried: Callable[..., Attempt]) -> None:
    it = tried({"fault": {"fault": "vip-stop"}})
    assert it.actions[0].state is State.FAILED
    assert "it has no VIP and no floating IP" in it.actions[0].why


def test_a_fault_before_there_is_a_cluster(stage: Stage, tried: Callable[..., Attempt]) -> None:
    seen = [{"output": {"on": "node1", "command": "is-bad"}}]
    it = tried({"fault": {"fault": "dcs-stop", "target": "etcd"}}, cluster=False, seen=seen)
    assert it.verdict is ReproVerdict.REPRODUCED
    assert "systemctl stop etcd" in stage.nodes["etcd"].commands


def test_nobody_is_asked_beyond_the_end(stage: Stage) -> None:
    condition = Reproduction.model_validate_json(
        json.dumps({"name": "a", "title": "A", "lab": "x", "actions": [{"heal": {}}], "seen": FINE})
    ).seen[0]
    found = judge.judge(condition, stage.begin(), time.monotonic() - 1)
    assert found.holds is UNKNOWN
