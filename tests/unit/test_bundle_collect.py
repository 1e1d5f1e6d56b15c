"""What is asked of the nodes, and what comes of answers that are late, large, or none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from labgen.bundle import collect as collecting
from labgen.bundle.collect import ask_patronictl, collect, installed
from labgen.bundle.entries import PATRONI, POSTGRESQL
from labgen.errors import NodeError
from labgen.lab.model import Lab
from tests.fakes.connection import Answer, FakeConnection
from tests.unit.labs import lab as small_lab

JOURNAL = "\n".join(
    json.dumps({"__REALTIME_TIMESTAMP": f"{at}000000", "_COMM": comm, "_PID": "7", "MESSAGE": text})
    for at, comm, text in ((1795608000, "patroni", "INFO: one"), (1795608001, "postgres", "LOG:  two"))
)
PACKAGES = "alpha 1 all\nbeta 2:1-1+b1 amd64\n# /opt/patroni/bin/pip\npatroni==3.0.1\n"
OWN_LOG = "/var/lib/postgresql/17/postgres/log/postgresql.log"


def node(clock_ahead: float = 0.0, **more: Answer) -> FakeConnection:
    usual = {
        "EPOCHREALTIME": Answer(stdout=f"{time.time() + clock_ahead:.6f}\n"),
        "date +%z": Answer(stdout="+0300\n"),
        "journalctl": Answer(stdout=JOURNAL),
        "dpkg-query": Answer(stdout=PACKAGES),
        "current_logfiles": Answer(stdout=f"{OWN_LOG}\n/var/log/a b\n"),
        "cat -- ": Answer(stdout="2026-11-25 15:00:02.500 MSK [7] LOG:  three\n"),
        "/patroni": Answer(stdout='{"state": "running"}'),
    }
    # The first that fits counts.
    return FakeConnection({**more, **{key: answer for key, answer in usual.items() if key not in more}})


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return small_lab(tmp_path, {"one": ["etcd"], "two": ["postgresql", "patroni"], "three": ["postgresql", "patroni"]})


def test_everything_of_a_node_that_answers(lab: Lab, tmp_path: Path) -> None:
    found, away = collect(lab, {"one": node(), "two": node(), "three": node()}, tmp_path)
    assert not away
    two = found["two"]
    assert two.packages == ("alpha 1 all", "beta 2:1-1+b1 amd64")
    assert [(entry.source, entry.text) for entry in two.entries] == [
        (PATRONI, "INFO: one"),
        (POSTGRESQL, "LOG:  two"),
        (POSTGRESQL, "[7] LOG:  three"),
    ]
    assert two.entries[2].at == pytest.approx(1795608002.5)
    assert two.files["cluster/two/patroni.json"] == '{"state": "running"}'
    assert two.files[f"nodes/two/files{OWN_LOG}"].endswith("three\n")
    assert two.files["nodes/two/journal.log"].splitlines()[0].endswith("two patroni[7]: INFO: one")
    assert {"nodes/two/patroni/data-folder.txt", "nodes/two/patroni/controldata.txt"} <= two.files.keys()
    assert "nodes/one/etcd/etcd.txt" in found["one"].files
    assert not [path for path in found["one"].files if path.startswith("cluster/")]
    assert not two.notes


def test_a_clock_that_is_wrong_is_measured(lab: Lab, tmp_path: Path) -> None:
    found, _ = collect(lab, {"one": node(clock_ahead=100)}, tmp_path)
    clock = found["one"].clock
    assert clock is not None
    assert clock.offset == pytest.approx(-100, abs=1)
    assert clock.error < 1
    assert clock.zone == 3 * 3600


def test_nodes_that_are_down_are_named(lab: Lab, tmp_path: Path) -> None:
    lost = FakeConnection({"EPOCHREALTIME": Answer(raises=NodeError("the connection to node three was lost"))})
    found, away = collect(lab, {"one": node(), "three": lost}, tmp_path)
    assert list(found) == ["one"]
    assert away == {"two": "it does not run", "three": "the connection to node three was lost"}


def test_what_fails_or_hangs_is_told_and_the_rest_is_there(lab: Lab, tmp_path: Path) -> None:
    late = Answer(raises=NodeError("a command on node two did not end within 30 s"))
    two = node(**{"/history": late, "pg_controldata": Answer(rc=2, stdout="no such folder\n")})
    found = collect(lab, {"two": two}, tmp_path)[0]["two"]
    assert found.files["cluster/two/history.json"] == "[a command on node two did not end within 30 s]\n"
    assert found.notes == ["cluster/two/history.json: a command on node two did not end within 30 s"]
    assert found.files["nodes/two/patroni/controldata.txt"] == "no such folder\n[exit 2]\n"
    assert found.packages


class Opened(dict[str, FakeConnection]):
    """Connections that are opened again when they broke, as real ones are; of each node the next in its list."""

    def __init__(self, **nodes: list[FakeConnection]) -> None:
        super().__init__({name: connections[0] for name, connections in nodes.items()})
        self.left = {name: connections[1:] for name, connections in nodes.items()}
        self.asked = 0

    def __getitem__(self, node: str) -> FakeConnection:
        connection = super().__getitem__(node)
        if connection.closed:
            self.asked += 1
            if not self.left[node]:
                raise NodeError(f"node {node} cannot be reached by SSH within 10 s")
            self[node] = connection = self.left[node].pop(0)
        return connection


def breaking(at: str) -> FakeConnection:
    """A node whose connection breaks when it is asked for AT."""
    broken = node()
    broken.answers = {
        at: Answer(raises=NodeError("the connection was lost"), on_start=lambda: setattr(broken, "closed", True)),
        **broken.answers,
    }
    return broken


def test_a_connection_that_breaks_is_opened_again_and_nothing_lacks(lab: Lab, tmp_path: Path) -> None:
    connections = Opened(two=[breaking("pg_controldata"), node(pg_controldata=Answer(stdout="checkpoint\n"))])
    found = collect(lab, connections, tmp_path)[0]["two"]
    assert found.files["nodes/two/patroni/controldata.txt"] == "checkpoint\n"
    assert found.packages
    assert not found.notes


def test_a_node_that_is_lost_for_good_is_not_waited_for_again_and_again(lab: Lab, tmp_path: Path) -> None:
    connections = Opened(two=[breaking("pg_controldata")])
    found = collect(lab, connections, tmp_path)[0]["two"]
    assert any("cannot be reached" in note for note in found.notes)
    assert found.entries
    assert connections.asked <= collecting.AT_ONCE


def test_large_answers_are_cut_on_the_node(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "LARGEST_JOURNAL", 1 << 20)
    one = node(**{"journalctl": Answer(stdout=JOURNAL + "\n" + "x" * (1 << 20))})
    found = collect(lab, {"one": one}, tmp_path)[0]["one"]
    asked = next(command for command in one.commands if "journalctl" in command)
    assert "| tail --bytes=1048576; exit" in asked
    assert found.notes == ["nodes/one/journal.log: the last 1 MiB of it"]
    assert len(found.entries) == 3


def test_a_node_has_so_much_time(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "ALL", 0.0)
    found = collect(lab, {"one": node()}, tmp_path)[0]["one"]
    assert "nodes/one/packages.txt: no time was left for it" in found.notes
    assert found.clock is not None


def test_logs_since_a_time(lab: Lab, tmp_path: Path) -> None:
    one = node(clock_ahead=100)
    found = collect(lab, {"one": one}, tmp_path, since=1795608010.0)[0]["one"]
    asked = next(command for command in one.commands if "journalctl" in command)
    assert " --since=@1795608110" in asked
    assert "[7] LOG:  three" not in [entry.text for entry in found.entries]


def test_where_patroni_says_that_logs_go_they_are_looked_for(lab: Lab, tmp_path: Path) -> None:
    config = tmp_path / "nodes/two/patroni/files/etc/patroni/config.yml"
    config.parent.mkdir(parents=True)
    config.write_text("log: {dir: /srv/patroni logs}\npostgresql: {parameters: {log_directory: /srv/pg}}\n")
    two = node()
    collect(lab, {"two": two}, tmp_path)
    assert next(c for c in two.commands if "current_logfiles" in c).startswith("(set -- '/srv/patroni logs' /srv/pg\n")


def test_patronictl_is_asked_where_it_answers(lab: Lab) -> None:
    silent = FakeConnection({"patronictl": Answer(rc=1, stdout="Can not find suitable configuration of DCS\n")})
    good = FakeConnection({"patronictl": Answer(stdout="fine\n")})
    told = ask_patronictl(lab, {"one": good, "two": silent, "three": good}, ["one", "two", "three"])
    assert told == dict.fromkeys(("cluster/list.txt", "cluster/history.txt", "cluster/show-config.txt"), "fine\n")
    assert not [command for command in good.commands if "timeout" not in command]
    told = ask_patronictl(lab, {"two": silent}, ["two"])
    assert told["cluster/list.txt"] == "Can not find suitable configuration of DCS\n[exit 1]\n"


def test_no_secret_is_needed_to_ask(lab: Lab, tmp_path: Path) -> None:
    """Commands stand in the journals of the nodes."""
    two = node()
    collect(lab, {"two": two}, tmp_path)
    assert not [command for command in two.commands if "password" in command.lower()]


def test_what_is_installed() -> None:
    lost = FakeConnection({"dpkg-query": Answer(raises=NodeError("lost"))})
    assert installed({"one": node(), "two": lost}) == {"one": ("alpha 1 all", "beta 2:1-1+b1 amd64")}
