"""The load as the controller sees it: the program runs for real, on this machine, and its lines become the log."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cluster.nodes import clock_of
from labgen.drill.judge.log import parse_log, read_log
from labgen.drill.judge.logfile import LogFile
from labgen.drill.run.streams import Load, LoadPath, Observers, Seen, Stream
from labgen.errors import NodeError
from labgen.lab.resolve import resolve
from labgen.provision.clock import wall_clock
from labgen.resources import resource
from labgen.system.connection import CommandResult
from tests.live import until
from tests.unit.test_drill_load import Server

BEGIN = {
    "event": "begin",
    "format": 2,
    "drill": {"name": "one", "title": "One", "faults": [{"fault": "freeze"}]},
    "paths": [{"name": "good"}, {"name": "bad"}],
    "leader": "node1",
    "timeline": 1,
    "members": ["node1"],
    "client": "client",
    "interval": 0.05,
    "observe": 0.25,
    "checks": ["patroni"],
    "witnesses": ["sql", "rest", "dcs"],
}


class LocalConnection:
    """A `Connection` to this very machine, with the Python of the tests."""

    def run(
        self,
        command: str,
        *,
        stdin: bytes | BinaryIO | None = None,
        timeout: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> CommandResult:
        words = command.replace("python3", sys.executable)
        child = subprocess.Popen(
            ["bash", "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        threading.Thread(target=self._feed, args=(child.stdin, stdin), daemon=True).start()
        out = b""
        while data := child.stdout.read(4096):
            out += data
            if on_output:
                on_output(data)
        err = child.stderr.read()
        return CommandResult(command, child.wait(timeout), out.decode(), err.decode(), 0.0)

    def _feed(self, to: Any, source: bytes | BinaryIO | None) -> None:
        # A program that has ended reads no more.
        with contextlib.suppress(BrokenPipeError):
            while isinstance(source, bytes) is False and source is not None and (data := source.read(4096)):  # type: ignore[union-attr]
                to.write(data)
            to.close()

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class LocalNodes(dict[str, LocalConnection]):
    def place(self, _node: str, name: str) -> str:
        return str(resource("scripts") / "drill" / name)


def path_to(name: str, port: int) -> LoadPath:
    to = {"host": "127.0.0.1", "port": port, "user": "app", "dbname": "app", "connect_timeout": 2}
    return LoadPath(name, "", False, {**to, "sslmode": "disable", "gssencmode": "disable"})


def test_attempts_become_lines_of_the_log_on_our_clock(tmp_path: Path) -> None:
    good, bad = Server(), Server()
    bad.mood = "refuses"
    log, seen, zero = LogFile(tmp_path / "log.jsonl"), Seen(), time.monotonic()
    log.add(**BEGIN)  # type: ignore[arg-type]
    load = Load(LocalNodes(client=LocalConnection()), "client", log, seen, zero)  # type: ignore[arg-type]
    error = load.measure_clock()
    assert 0 < error < 1
    began = time.monotonic() - zero
    load.start([path_to("good", good.port), path_to("bad", bad.port)], "labgen_drill_1", "secretOfTheTest", 0.02)
    until("twenty acknowledged writes", 20, lambda: log.path.read_text().count('"ok"') >= 20)
    load.check()
    assert seen.ended is None
    load.stop()
    assert 0 < load.measure_drift() < 1
    ended = time.monotonic() - zero
    log.close()
    text = log.path.read_text()
    assert "secretOfTheTest" not in text
    read = parse_log(text.splitlines(keepends=True), "log.jsonl")
    assert {one.result for one in read.writes if one.path == "good"} == {"ok"}
    assert {one.result for one in read.writes if one.path == "bad"} == {"fail"}
    # This machine's clock compared with itself: what is measured can only be off by what is said.
    assert all(began - error <= one.start <= one.end <= ended + error for one in read.writes)
    first = next(one for one in read.writes if one.path == "good")
    assert (first.id, first.server, first.timeline) == ("good-1", "10.0.0.1", 7)
    assert set(seen.ok) == {"good"}
    # The clients' own count, which is of all that is there.
    assert read.told == {path: sum(one.path == path for one in read.writes) for path in ("good", "bad")}
    assert read.broken == ()


def test_a_load_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    log, seen = LogFile(tmp_path / "log.jsonl"), Seen()
    nodes = LocalNodes(client=LocalConnection())
    nodes.place = lambda _node, _name: str(tmp_path / "gone.py")  # type: ignore[method-assign]
    load = Load(nodes, "client", log, seen, 0.0)  # type: ignore[arg-type]
    load.start([], "labgen_drill_1", "", 0.05)

    def over() -> bool:
        load.check()
        return seen.ended is not None

    until("the end is noticed", 10, over)
    assert "gone.py" in str(seen.ended)


FROZEN = """
import json, sys, time
from pathlib import Path
starts = Path(__file__).with_name("starts")
starts.write_text((starts.read_text() if starts.exists() else "") + "x")
behind = 0
sys.stdin.readline()
number = 0
while True:
    number, now = number + 1, time.monotonic() - behind
    print(json.dumps(["sql", number, now, now, True, 1, None]), flush=True)
    time.sleep(0.05)
    if starts.read_text() == "x":
        behind = 100  # the machine was frozen, and its clock with it
"""


def test_a_machine_that_was_frozen_has_its_clock_compared_anew(tmp_path: Path) -> None:
    class Unprivileged(LocalConnection):
        def run(self, command: str, **about: Any) -> CommandResult:
            return super().run(command.replace("runuser -u postgres -- ", ""), **about)

    class Nodes(dict[str, Unprivileged]):
        def __missing__(self, node: str) -> Unprivileged:
            raise NodeError(f"{node} is away")

        def place(self, _node: str, _name: str) -> str:
            return str(tmp_path / "frozen.py")

    (tmp_path / "frozen.py").write_text(FROZEN)
    lab = resolve(load_blueprint(find_blueprint("etcd-patroni-ops")), provider="docker")
    log, zero = LogFile(tmp_path / "log.jsonl"), time.monotonic()
    log.add(**BEGIN)  # type: ignore[arg-type]
    observers = Observers(Nodes(node1=Unprivileged()), lab, log, Seen(), zero)  # type: ignore[arg-type]
    observers.start()
    until(
        "another start", 20, lambda: (tmp_path / "starts").read_text() == "xx" if list(tmp_path.glob("starts")) else 0
    )
    count = log.path.read_text().count('"leader"')
    until("more sightings", 20, lambda: log.path.read_text().count('"leader"') > count + 3)
    observers.stop()
    ended = time.monotonic() - zero
    log.close()
    seen = parse_log(log.path.read_text().splitlines(keepends=True), "log.jsonl").sightings
    assert len(seen) > count + 3
    assert {one.run for one in seen} == {1, 2}
    for run in 1, 2:
        looks = [one.look for one in seen if one.run == run]
        assert looks == list(range(1, len(looks) + 1))
    assert all(-1 < one.time < ended + 1 for one in seen)


def test_lines_are_put_together_again() -> None:
    told: list[str] = []
    stream = Stream(LocalConnection(), "read -r line; printf 'a'; sleep 0.1; printf 'b\\nc'; cat", {}, told.append)
    until("the first line", 10, lambda: told)
    assert told == ["ab"]
    assert not stream.over
    stream.stop()
    stream.stop()
    assert stream.over
    assert stream.failure is None


def test_a_clock_is_known_as_well_as_the_quickest_answer() -> None:
    offset, error = clock_of(LocalConnection(), "here")
    assert abs(offset) <= error < 1


def test_a_wall_clock_is_known_too() -> None:
    offset, error = wall_clock(LocalConnection(), "here")
    assert abs(offset) <= error < 0.5
    assert error > 0


def test_a_wall_clock_that_nobody_tells_is_not_known() -> None:
    class Without(LocalConnection):
        def run(self, _command: str, **about: Any) -> CommandResult:  # type: ignore[override]
            return super().run("exec no-such-program", **about)

    with pytest.raises(NodeError, match=r"here: its clock cannot be read: .*not found"):
        wall_clock(Without(), "here")


def test_a_node_without_python_has_no_clock() -> None:
    class Without(LocalConnection):
        def run(self, _command: str, **about: Any) -> CommandResult:  # type: ignore[override]
            return super().run("exec no-such-program", **about)

    with pytest.raises(NodeError, match="not found"):
        clock_of(Without(), "here")


def test_an_observer_tells_every_look_also_of_what_gives_no_answer() -> None:
    told: list[list[Any]] = []
    program = resource("scripts") / "drill" / "observe.py"
    dcs = {"kind": "etcd", "hosts": ["127.0.0.2", "127.0.0.3"], "key": "/service/x/leader"}
    config = {"address": "127.0.0.2", "interval": 0.05, "seconds": 20, "dcs": dcs}
    stream = Stream(
        LocalConnection(), f"exec python3 -I -B {program}", config, lambda line: told.append(json.loads(line))
    )
    until("five looks each", 20, lambda: min(sum(one[0] == by for one in told) for by in ("sql", "rest", "dcs")) >= 5)
    stream.stop()
    for by in "sql", "rest", "dcs":
        mine = [one for one in told if one[0] == by]
        assert [one[1] for one in mine] == list(range(1, len(mine) + 1))
        assert all(start <= end for _, _, start, end, *_ in mine)
        assert all(after[2] >= before[3] for before, after in pairwise(mine))


def test_a_log_is_sealed_by_its_end(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.jsonl")
    log.add(**BEGIN)  # type: ignore[arg-type]
    log.add("note", words="ä\u2028ö")
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.add("whole", t=float("nan"))
    log.add("end", t=1)
    log.add("note", words="late")
    read = read_log(log.path)
    assert (read.ended, read.broken, read.sealed) == (True, (), True)
    changed = log.path.read_text().replace("ä", "a")
    assert parse_log(io.StringIO(changed, newline="\n"), "x").broken != ()


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    LogFile(tmp_path / "log.jsonl").close()
    with pytest.raises(FileExistsError):
        LogFile(tmp_path / "log.jsonl")


def test_what_comes_late_is_left_out(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.jsonl")
    log.add("end", t=1)
    log.close()
    log.add("write", id="late")
    assert [json.loads(line)["event"] for line in log.path.read_text().splitlines()] == ["end"]
