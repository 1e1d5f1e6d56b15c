"""Each kind of question, put to nodes whose answers are written down: yes, no, or not to be found out, and why."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from labgen.repro.context import TryContext
from labgen.repro.judge import ConditionResult, Ternary, judge
from labgen.repro.logs import log_command
from labgen.repro.model_conditions import Condition
from tests.fakes.repro import SILENT, Said, Stage

YES, NO, UNKNOWN = Ternary.YES, Ternary.NO, Ternary.UNKNOWN


def ask(scene: TryContext, **question: Any) -> ConditionResult:
    # Through JSON, so that nothing gets in that a document could not say.
    return judge(Condition.model_validate_json(json.dumps(question)), scene, time.monotonic() + 60)


@pytest.fixture
def stage() -> Stage:
    return Stage()


# --- output -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "said", "holds", "why"),
    [
        ({}, Said("fine\nthanks\n"), YES, "node1: fine"),
        ({}, Said(rc=3, stderr="oh dear\n"), NO, "node1: exit 3: oh dear"),
        ({"exit": 3}, Said(rc=3), YES, "node1: exit 3"),
        ({"exit": 3}, Said(), NO, "node1: exit 0, not 3"),
        ({"exit": "any", "matches": "^b"}, Said("a\nb\n", rc=9), YES, "node1: a"),
        ({"matches": "^b"}, Said("a\n"), NO, "node1: nothing matches ^b"),
        ({"lacks": "b+"}, Said("abba\n"), NO, "node1: there is what should not be: bb"),
        ({"json": {"a.0.b": 1}}, Said('{"a": [{"b": 1}]}'), YES, 'node1: {"a": [{"b": 1}]}'),
        ({"json": {"a.0.b": 2}}, Said('{"a": [{"b": 1}]}'), NO, "node1: a.0.b is 1, not 2"),
        ({"json": {"a.1": 2, "c": None}}, Said('{"a": []}'), NO, "node1: there is no a.1"),
        ({"json": {"a": 1}}, Said("hello"), NO, "node1: it is no JSON"),
        ({"json": {"a": [1, {"b": []}]}}, Said('{"a": [1, {"b": []}]}'), YES, 'node1: {"a": [1, {"b": []}]}'),
    ],
)
def test_output(stage: Stage, question: dict[str, Any], said: Said, holds: Ternary, why: str) -> None:
    stage.nodes["node1"].says("look-into", said)
    found = ask(stage.begin(), output={"on": "leader", "command": "look-into it", **question})
    assert (found.holds, found.why) == (holds, why)
    (piece,) = found.evidence
    assert (piece.node, piece.command, piece.rc, piece.stdout) == ("node1", "look-into it", said.rc, said.stdout)


def test_a_command_finds_out_where_it_is_and_who_leads(stage: Stage) -> None:
    ask(stage.begin(), output={"on": "node2", "command": 'echo "it\'s $LABGEN_NODE"', "user": "postgres"})
    command = stage.nodes["node2"].commands[-1]
    assert command.startswith("cd / && runuser -u postgres -- env LABGEN_NODE=node2 LABGEN_ADDRESS=192.168.74.12 ")
    assert "LABGEN_LEADER=node1 LABGEN_LEADER_ADDRESS=192.168.74.11 LABGEN_LEADER_MEMBER=node1" in command
    assert "LABGEN_REPLICA=node2" in command
    assert command.endswith("""bash -c 'echo "it'"'"'s $LABGEN_NODE"'""")


def test_a_node_that_does_not_answer_is_neither_yes_nor_no(stage: Stage) -> None:
    scene = stage.begin()
    stage.nodes["node1"].says("look-into", SILENT)
    found = ask(scene, output={"on": "leader", "command": "look-into it"})
    assert (found.holds, found.why) == (UNKNOWN, "node1: the connection was lost")
    assert found.evidence[0].rc is None


def test_secrets_are_hidden_in_answers_and_in_reasons(stage: Stage) -> None:
    stage.nodes["node1"].says("look-into", "it is rest-secret\n")
    found = ask(stage.begin(), output={"on": "leader", "command": "look-into it"})
    assert "rest-secret" not in f"{found}"
    assert found.why == "node1: it is ‹secret patroni.rest_password›"


# --- log --------------------------------------------------------------------------------------------------------------

JOURNAL = "one\nKilled it\nthree\nKilled again\nfive\nsix\nseven\neight\n"


@pytest.mark.parametrize(
    ("question", "holds", "why"),
    [
        ({"matches": "^Killed"}, YES, "node1: Killed it"),
        ({"matches": "^nobody"}, NO, "node1: none of 8 new lines matches"),
        ({"matches": "^Killed", "at_least": 3}, NO, "node1: 2 of 8 new lines match, not at least 3"),
        ({"matches": "^Killed", "at_most": 1}, NO, "node1: 2 of 8 new lines match, not at most 1"),
        ({"lacks": "again"}, NO, "node1: a line matches that should not be there: Killed again"),
        ({"lacks": "nobody"}, YES, "node1: none of 8 new lines matches"),
    ],
)
def test_log(stage: Stage, question: dict[str, Any], holds: Ternary, why: str) -> None:
    stage.nodes["node1"].says("--unit=patroni", JOURNAL)
    found = ask(stage.begin(), log={"on": "leader", "unit": "patroni", **question})
    assert (found.holds, found.why) == (holds, why)
    assert stage.nodes["node1"].commands[-1] == (
        "journalctl --quiet --no-pager --output=cat --unit=patroni --after-cursor=s=node1"
    )
    assert found.evidence[0].command == "journalctl --unit=patroni  # since the actions began"


def test_of_a_log_only_what_tells_is_kept(stage: Stage) -> None:
    stage.nodes["node1"].says("--unit=patroni", JOURNAL)
    scene = stage.begin()
    assert ask(scene, log={"on": "leader", "unit": "patroni", "matches": "Killed"}).evidence[0].stdout == (
        "Killed it\nKilled again"
    )
    end = ask(scene, log={"on": "leader", "unit": "patroni", "matches": "nobody"}).evidence[0].stdout
    assert end.splitlines() == ["[… 3 lines before these]", "Killed again", "five", "six", "seven", "eight"]
    stage.nodes["node1"].says("--unit=patroni", "again\n" * 30)
    many = ask(scene, log={"on": "leader", "unit": "patroni", "matches": "again"}).evidence[0].stdout
    assert many.splitlines()[20:] == ["[… and 10 more that match]"]


def test_of_a_file_only_what_was_added_is_looked_at(stage: Stage) -> None:
    stage.nodes["node1"].says("/var/log/x", "120\n", "hello\n")
    scene = stage.begin([("leader", "/var/log/x")])
    assert ask(scene, log={"on": "leader", "file": "/var/log/x", "matches": "hello"}).holds is YES
    assert stage.nodes["node1"].commands[-1].startswith("n=121; [ ")
    assert stage.nodes["node1"].commands[-1].endswith("tail --bytes=+$n /var/log/x")


def test_a_file_by_bash(stage: Stage, tmp_path: Path) -> None:
    log = tmp_path / "it's a log"
    question = Condition.model_validate_json(json.dumps({"log": {"on": "node1", "file": str(log), "matches": "x"}})).log
    assert question is not None
    node = stage.lab.node("node1")

    def added(scene: TryContext) -> str:
        words = ["bash", "-c", log_command(scene, node, question, question.file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    scene = stage.begin()
    assert added(scene) == ""
    log.write_text("one\n")
    assert added(scene) == "one\n"
    scene.sizes["node1", str(log)] = 4
    assert added(scene) == ""
    log.write_text("one\ntwo\n")
    assert added(scene) == "two\n"
    log.write_text("1\n")  # begun anew
    assert added(scene) == "1\n"


WRITES = "unit=patroni '$2"
"""In the command that asks where the unit's processes write."""


@pytest.mark.parametrize(
    ("question", "holds", "why"),
    [
        ({"matches": "^in the file"}, YES, "node1: in the file"),
        ({"matches": "^Killed"}, YES, "node1: Killed it"),
        ({"matches": "^nobody"}, NO, "node1: none of 10 new lines matches"),
        ({"lacks": "^in the file"}, NO, "node1: a line matches that should not be there: in the file"),
    ],
)
def test_a_unit_that_writes_into_a_file_is_read_there(
    stage: Stage, question: dict[str, Any], holds: Ternary, why: str
) -> None:
    node = stage.nodes["node1"]
    node.says(WRITES, "120 /var/log/patroni/patroni.log\n")
    node.says("--unit=patroni", JOURNAL)
    scene = stage.begin(units=[("leader", "patroni")])
    node.says("tail --bytes", "in the file\nand more\n")
    node.says(WRITES, "")  # it has ended meanwhile
    found = ask(scene, log={"on": "leader", "unit": "patroni", **question})
    assert (found.holds, found.why) == (holds, why)
    assert any(command.startswith("n=121; [ ") for command in node.commands)
    assert [it.command.split("  #")[0] for it in found.evidence] == [
        "tail /var/log/patroni/patroni.log",
        "journalctl --unit=patroni",
    ]


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ({"matches": "^Killed"}, YES),
        ({"lacks": "^Killed"}, NO),
        ({"matches": "^Killed", "at_most": 1}, NO),
        ({"matches": "^nobody"}, UNKNOWN),
        ({"lacks": "nobody"}, UNKNOWN),
        ({"matches": "^Killed", "at_most": 5}, UNKNOWN),
        ({"matches": "^Killed", "lacks": "nobody"}, UNKNOWN),
    ],
)
def test_where_a_unit_writes_is_not_known(stage: Stage, question: dict[str, Any], holds: Ternary) -> None:
    stage.nodes["node1"].says("--unit=patroni", JOURNAL)
    stage.nodes["node1"].says(WRITES, Said(rc=1, stderr="not permitted\n"))
    found = ask(stage.begin(), log={"on": "leader", "unit": "patroni", **question})
    assert found.holds is holds
    assert holds is not UNKNOWN or "may write its log elsewhere: exit 1: not permitted" in found.why


# --- http -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "said", "holds", "why"),
    [
        ({"status": 200}, Said("{}\n200"), YES, "node2: status 200"),
        ({"status": 200}, Said("{}\n503"), NO, "node2: status 503, not 200"),
        ({"json": {"role": "replica"}}, Said('{"role": "replica"}\n503'), YES, "node2: status 503"),
        ({"matches": "master"}, Said('{"role": "replica"}\n503'), NO, "node2: nothing matches master"),
        (
            {"status": 200},
            Said("", 7, "curl: (7) Failed to connect\n"),
            NO,
            "node2: http://192.168.74.12:8008/replica does not answer: exit 7: curl: (7) Failed to connect",
        ),
        ({"status": 200}, Said("", 127, "bash: curl: not found\n"), UNKNOWN, "node2: exit 127: bash: curl: not found"),
    ],
)
def test_http(stage: Stage, question: dict[str, Any], said: Said, holds: Ternary, why: str) -> None:
    stage.nodes["node2"].says(":8008/replica", said)
    found = ask(stage.begin(), http={"on": "replica", "path": "/replica", **question})
    assert (found.holds, found.why) == (holds, why)


# --- process ----------------------------------------------------------------------------------------------------------

PS = """\
   21     1 Ss   postgres  /usr/bin/python3 /usr/bin/patroni /etc/patroni/config.yml
   40    21 Z    postgres  [slow] <defunct>
   41    21 S    postgres  /bin/bash /usr/local/bin/slow on_role_change
   42    21 T    postgres  /bin/bash /usr/local/bin/slow on_reload
"""


@pytest.mark.parametrize(
    ("question", "holds", "why"),
    [
        (
            {"matches": "slow on_"},
            YES,
            "2 processes that match: 41 21 S postgres /bin/bash /usr/local/bin/slow on_role",
        ),
        (
            {"matches": "slow", "state": "zombie"},
            YES,
            "1 zombie process that matches: 40 21 Z postgres [slow] <defunct>",
        ),
        ({"matches": "slow", "at_most": 1}, NO, "3 processes that match"),
        ({"matches": "slow", "at_least": 4}, NO, "3 processes that match"),
        ({"matches": "etcd"}, NO, "0 processes that match, not at least 1"),
        ({"matches": "etcd", "running": False}, YES, "0 processes that match"),
        ({"matches": "patroni", "running": False}, NO, "1 process that matches"),
    ],
)
def test_process(stage: Stage, question: dict[str, Any], holds: Ternary, why: str) -> None:
    stage.nodes["node1"].says("ps -e", PS)
    found = ask(stage.begin(), process={"on": "leader", **question})
    assert found.holds is holds
    assert found.why.startswith(f"node1: {why}")


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "said", "holds", "why"),
    [
        ({"equals": "*"}, Said("*\n"), YES, "node1: '*'"),
        ({"equals": ""}, Said("\n"), YES, "node1: ''"),
        ({"equals": ""}, Said(""), NO, "node1: no row, not ''"),
        ({"equals": []}, Said(""), YES, "node1: no row"),
        ({"equals": False}, Said("f\n"), YES, "node1: 'f'"),
        ({"equals": 3}, Said("4\n"), NO, "node1: '4', not '3'"),
        ({"equals": ["a", "b"]}, Said("a\nb\n"), YES, "node1: 2 rows: a, b"),
        ({"at_least": 2}, Said("a\n"), NO, "node1: 1 row, not at least 2"),
        ({"at_most": 0}, Said("a\n"), NO, "node1: 1 row, not at most 0"),
        ({"equals": 1}, Said("", 2, "psql: error: no server\n"), NO, "node1: exit 2: psql: error: no server"),
        # A statement that is wrong says nothing about the bug.
        ({"equals": 1}, Said("", 1, "ERROR:  syntax error\n"), UNKNOWN, "node1: exit 1: ERROR:  syntax error"),
    ],
)
def test_rows(stage: Stage, question: dict[str, Any], said: Said, holds: Ternary, why: str) -> None:
    stage.nodes["node1"].says("psql", said)
    found = ask(stage.begin(), rows={"on": "leader", "statement": "select 1", **question})
    assert (found.holds, found.why) == (holds, why)


def test_rows_through_a_path_ask_as_the_application(stage: Stage) -> None:
    stage.nodes["node2"].says("psql", "1\n")
    found = ask(stage.begin(), rows={"on": "node2", "through": "node1", "statement": "select 1", "equals": 1})
    assert found.holds is YES
    assert "-h 192.168.74.11 -p 5432 -U app -d app" in stage.nodes["node2"].commands[-1]
    # The password comes in by the input, and is in no evidence.
    assert stage.nodes["node2"].stdin[-1] == "app-secret\nselect 1;\n"
    assert "app-secret" not in f"{found}"


# --- timeline ---------------------------------------------------------------------------------------------------------


def test_timeline(stage: Stage) -> None:
    def said(number: int) -> str:
        return json.dumps({"timeline": number, "role": "primary", "state": "running"}) + "\n200"

    for node in ("node1", "node2"):
        stage.nodes[node].says(":8008/patroni", said(4))
    scene = stage.begin()
    for node in ("node1", "node2"):
        stage.nodes[node].says(":8008/patroni", json.dumps({"timeline": 5}))
    assert ask(scene, timeline={"on": "leader", "grown": True}).holds is YES
    found = ask(scene, timeline={"on": "leader", "grown": False})
    assert (found.holds, found.why) == (NO, "node1: timeline 5, and it was 4 when it began")
    assert ask(scene, timeline={"equals": 5}).holds is YES
    stage.nodes["node1"].says(":8008/patroni", Said("", 7, "curl: (7) nobody\n"))
    found = ask(scene, timeline={"on": "leader", "equals": 5})
    assert (found.holds, found.why) == (UNKNOWN, "node1: Patroni does not tell its timeline: exit 7: curl: (7) nobody")


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_who_leads_is_decided_at_the_beginning_or_now(stage: Stage) -> None:
    scene = stage.begin()
    stage.cluster.lead("node2")
    for node in ("node1", "node2"):
        stage.nodes[node].says("who-am-i", f"{node}\n")
    question = {"command": "who-am-i", "matches": "node"}
    assert ask(scene, output={"on": "leader", **question}).why == "node1: node1"
    assert ask(scene, output={"on": "leader-now", **question}).why == "node2: node2"


def test_a_question_to_several_holds_if_it_does_on_all(stage: Stage) -> None:
    scene = stage.begin()
    scene.cluster = None  # so that the targets are those of now
    stage.nodes["node2"].says("try-it", Said(rc=1))
    found = ask(scene, all=[{"output": {"on": node, "command": "try-it"}} for node in ("node1", "node2")])
    assert (found.holds, found.why) == (NO, "node2: exit 1")
    found = ask(scene, any=[{"output": {"on": node, "command": "try-it"}} for node in ("node1", "node2")])
    assert found.holds is YES
    found = ask(scene, **{"not": {"output": {"on": "replicas-now", "command": "try-it"}}})
    assert found.holds is YES


def test_a_target_that_is_nobody_cannot_be_asked(stage: Stage) -> None:
    found = ask(stage.begin(), output={"on": "vip-holder", "command": "true"})
    assert found.holds is UNKNOWN
    assert "it has no VIP and no floating IP" in found.why
