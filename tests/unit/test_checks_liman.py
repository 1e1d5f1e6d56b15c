"""The check liman-web against scripted nodes: which answers of a Liman pass, fail, or leave it open."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from checks_world import SECRETS, FakeNode, Result

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.checks import CheckResult, Status, run_checks
from labgen.errors import NodeError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

CLUSTER = {
    "members": [
        {"name": "kaptan1", "host": "192.168.70.21", "role": "leader", "state": "running", "timeline": 1},
        {"name": "kaptan2", "host": "192.168.70.22", "role": "replica", "state": "streaming", "timeline": 1, "lag": 0},
    ]
}


@cache
def lab() -> Lab:
    return resolve(load_blueprint(find_blueprint("liman-etcd-haproxy")), provider="docker")


class ClusterState:
    """A lab in order, in which liman2 answers what comes through HAProxy; `limans` and `reached` put a fault in."""

    def __init__(self) -> None:
        self.nodes = {node.name: FakeNode(node.name) for node in lab().nodes}
        self.reached = {"liman1": "192.168.70.21", "liman2": "192.168.70.21"}
        self.errors: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        for name in ("kaptan1", "kaptan2"):
            self.nodes[name].script = [(r"8008/cluster", json.dumps(CLUSTER))]
        for name in ("liman1", "liman2"):
            self.nodes[name].script = [(r"^curl ", self._liman)]

    def _liman(self, node: FakeNode, command: str, _stdin: str) -> str:
        name = "liman2" if "//192.168.70.10:80/" in command else node.name
        if name == node.name:
            assert f"//{lab().node(name).address}:8080/" in command
        if name in self.errors:
            return json.dumps({"node": name, "error": self.errors[name]})
        answer = {"node": name, "server": {"address": self.reached[name], "timeline": 1}}
        if sent := re.search(r"--data '(.*?)'", command):
            document = json.loads(sent[1])
            self.notes[document["id"]] = document["text"]
            return json.dumps({**answer, "note": document})
        if asked := re.search(r"/notes/([0-9a-f-]{36})$", command):
            text = self.notes.pop(asked[1]) if "DELETE" in command else self.notes[asked[1]]
            return json.dumps({**answer, "note": {"id": asked[1], "text": text}})
        assert command.endswith("/health")
        return json.dumps(answer)

    def run(self) -> CheckResult:
        return run_checks(lab(), SECRETS, self.nodes, ["liman-web"]).results[0]


def test_in_order() -> None:
    world = ClusterState()
    result = world.run()
    assert result.status is Status.PASS
    assert result.detail == (
        "a note written through haproxy is read there and by liman1, liman2, who reach the leader kaptan1"
    )
    assert world.notes == {}
    assert len(world.nodes["liman1"].heard) == 5  # health and the note; writing, reading and deleting through HAProxy
    assert len(world.nodes["liman2"].heard) == 2


def test_a_liman_at_the_wrong_server() -> None:
    world = ClusterState()
    world.reached["liman1"] = "192.168.70.22"
    result = world.run()
    assert (result.status, result.detail) == (Status.FAIL, "liman1 reaches 192.168.70.22, not the leader kaptan1")
    assert world.notes == {}


def test_a_liman_without_a_database() -> None:
    world = ClusterState()
    world.errors["liman2"] = "no answer from the database within 2 s"
    result = world.run()
    assert result.status is Status.FAIL
    assert result.detail == (
        "liman2 says: no answer from the database within 2 s; "
        "through haproxy liman2 says: no answer from the database within 2 s"
    )


def test_a_note_that_is_not_shown() -> None:
    world = ClusterState()
    world.nodes["liman2"].script.insert(
        0, (r":8080/notes/", '{"node": "liman2", "server": {"address": "192.168.70.21"}, "note": {"text": "other"}}')
    )
    result = world.run()
    assert (result.status, result.detail) == (Status.FAIL, "liman2 does not show the note that was written")


def test_no_way_through_haproxy() -> None:
    world = ClusterState()
    refused = Result("", 7, "", "curl: (7) Failed to connect to 192.168.70.10 port 80: Connection refused")
    world.nodes["liman1"].script.insert(0, (r"//192.168.70.10:80/", refused))
    result = world.run()
    assert result.status is Status.FAIL
    assert result.detail == "liman1: exit 7: curl: (7) Failed to connect to 192.168.70.10 port 80: Connection refused"
    assert world.notes == {}


@pytest.mark.parametrize("page", ["<html><body><h1>503 Service Unavailable</h1>", "[]", '{"node": "liman1"}', ""])
def test_something_else_answers(page: str) -> None:
    world = ClusterState()
    world.nodes["liman2"].script.insert(0, (r"/health", page))
    result = world.run()
    assert result.status is Status.UNKNOWN
    assert result.detail == f"liman2: instead of a Liman there answers {page!r}"


def test_a_dead_node() -> None:
    world = ClusterState()
    world.nodes["liman2"].script = [("", NodeError("liman2 does not answer"))]
    result = world.run()
    assert (result.status, result.detail) == (Status.UNKNOWN, "liman2 does not answer")
