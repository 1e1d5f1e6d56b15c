"""The load as it runs on a node, against servers that answer, refuse, hang and vanish, played by a few lines here."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

LOAD = Path(__file__).parents[2] / "scripts" / "drill" / "load.py"
PARAMETERS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "server_version": "17.0",
    "standard_conforming_strings": "on",
    "integer_datetimes": "on",
}


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")


def fields(*columns: tuple[str, int]) -> bytes:
    described = b"".join(
        name.encode() + b"\0" + struct.pack("!ihihih", 0, 0, kind, -1, -1, 0) for name, kind in columns
    )
    return message(b"T", struct.pack("!h", len(columns)) + described)


def values(*texts: str) -> bytes:
    cells = b"".join(struct.pack("!i", len(text)) + text.encode() for text in texts)
    return message(b"D", struct.pack("!h", len(texts)) + cells)


ANSWER = fields(("server", 25), ("timeline", 23)) + values("10.0.0.1", "7") + message(b"C", b"INSERT 0 1\0") + READY


def error(code: str, severity: str = "ERROR") -> bytes:
    return message(b"E", f"S{severity}\0V{severity}\0C{code}\0Mno\0\0".encode())


def notice() -> bytes:
    words = "The transaction has already committed locally"
    return message(b"N", f"SWARNING\0VWARNING\0C01000\0M{words}\0\0".encode())


class Server:
    """Speaks enough of PostgreSQL's protocol to log anybody in; then does what `mood` says."""

    def __init__(self) -> None:
        self.mood = "answers"
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line:
            if self.mood == "mute":
                time.sleep(30)
                return
            (length,) = struct.unpack("!I", _exactly(line, 4))
            _exactly(line, length - 4)
            told = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in PARAMETERS.items())
            line.sendall(message(b"R", struct.pack("!I", 0)) + told + message(b"K", bytes(8)) + READY)
            while kind := line.recv(1):
                (length,) = struct.unpack("!I", _exactly(line, 4))
                _exactly(line, length - 4)
                if kind != b"Q":
                    return
                if not self._answer(line):
                    return

    def _answer(self, line: socket.socket) -> bool:
        if self.mood == "hangs":
            time.sleep(30)
        elif self.mood == "vanishes":
            return False
        elif self.mood == "refuses":
            line.sendall(error("25006") + READY)
        elif self.mood == "shuts down":
            line.sendall(error("57P01", "FATAL"))
            return False
        elif self.mood == "warns":
            line.sendall(notice() + ANSWER)
        else:
            line.sendall(ANSWER)
        return True


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := line.recv(size - len(data))):
        data += more
    return data


@contextmanager
def load(*servers: Server, **changes: Any) -> Iterator[subprocess.Popen[str]]:
    common = {"user": "app", "dbname": "app", "connect_timeout": 2, "sslmode": "disable", "gssencmode": "disable"}
    paths = [
        {"name": f"path{index}", "reads": False, "to": {"host": "127.0.0.1", "port": server.port, **common}}
        for index, server in enumerate(servers)
    ]
    config = {
        "paths": paths,
        "table": "labgen_drill_1",
        "password": "secretOfTheTest",
        "interval": 0.05,
        "deadline": 0.5,
        "seconds": 20,
        "most": 1000,
        **changes,
    }
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", str(LOAD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(config) + "\n")
    child.stdin.flush()
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()
        child.stdin.close()


def attempts(child: subprocess.Popen[str], number: int) -> list[list[Any]]:
    assert child.stdout is not None
    return [json.loads(child.stdout.readline()) for _ in range(number)]


def test_acknowledged_writes_have_ids_times_server_and_timeline() -> None:
    # A deadline that a busy machine keeps, too.
    with load(Server(), deadline=10) as child:
        told = attempts(child, 10)
    assert [entry[:2] for entry in told] == [["path0", number] for number in range(1, 11)]
    assert {tuple(entry[4:]) for entry in told} == {("ok", "10.0.0.1", 7, None)}
    assert all(start <= end for _, _, start, end, *_ in told)
    pauses = [after[2] - before[2] for before, after in pairwise(told[1:])]
    assert min(pauses) > 0.03


@pytest.mark.parametrize(
    ("mood", "result", "words"),
    [
        ("hangs", "unknown", ""),
        ("vanishes", "unknown", ""),
        ("shuts down", "unknown", ""),
        ("refuses", "fail", "25006"),
    ],
)
def test_outcomes_that_are_no_yes(mood: str, result: str, words: str) -> None:
    server = Server()
    with load(server) as child:
        attempts(child, 3)
        server.mood = mood
        told = next(entry for entry in iter(lambda: attempts(child, 1)[0], None) if entry[4] != "ok")
        assert told[4] == result
        assert told[7].startswith(words)
        assert told[3] - told[2] < 1.5
        server.mood = "answers"
        assert any(attempts(child, 1)[0][4] == "ok" for _ in range(5))


def test_a_commit_that_is_local_only_is_no_promise() -> None:
    server = Server()
    server.mood = "warns"
    with load(server) as child:
        (told,) = attempts(child, 1)
    assert told[4] == "unknown"
    assert "committed locally" in told[7]


def test_a_server_that_says_nothing_at_login_has_certainly_written_nothing() -> None:
    server = Server()
    server.mood = "mute"
    with load(server) as child:
        (told,) = attempts(child, 1)
    assert told[4] == "fail"
    assert 1.5 < told[3] - told[2] < 5


def test_nobody_listens() -> None:
    server = Server()
    server.socket.shutdown(socket.SHUT_RDWR)
    server.socket.close()
    with load(server) as child:
        told = attempts(child, 5)
    assert {entry[4] for entry in told} == {"fail"}


def test_one_path_does_not_wait_for_another() -> None:
    slow, quick = Server(), Server()
    slow.mood = "mute"
    with load(slow, quick) as child:
        told = attempts(child, 20)
    assert sum(entry[0] == "path1" for entry in told) >= 18


def test_it_ends_when_its_input_closes() -> None:
    with load(Server()) as child:
        attempts(child, 2)
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(5) == 0


@pytest.mark.parametrize("limit", [{"most": 4}, {"seconds": 0.5}])
def test_it_ends_by_itself(limit: dict[str, float]) -> None:
    with load(Server(), **limit) as child:
        assert child.wait(5) == 0


def test_the_password_is_told_nobody() -> None:
    server = Server()
    server.mood = "refuses"
    with load(server) as child:
        told = attempts(child, 3)
        line = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    assert "secretOfTheTest" not in json.dumps(told)
    assert b"secretOfTheTest" not in line
