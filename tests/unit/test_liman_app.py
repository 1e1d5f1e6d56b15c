"""The stand-in for Liman, run for real: as its unit runs it, with a database that is not there or says nothing."""

from __future__ import annotations

import json
import os
import runpy
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from psycopg2 import OperationalError

from tests.live import until

APP = Path(__file__).parents[2] / "scripts" / "liman" / "app.py"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Running:
    """The application in a process of its own."""

    def __init__(self, database_port: int, log: Path) -> None:
        self.port = free_port()
        own = {
            "LIMAN_NODE": "liman<1>",
            "LIMAN_ADDRESS": "127.0.0.1",
            "LIMAN_PORT": str(self.port),
            "LIMAN_TIMEOUT": "1",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(database_port),
            "PGDATABASE": "app",
            "PGUSER": "app",
            "PGPASSWORD": "secretOfTheTest",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", APP],
                env={**kept, **own},
                stdout=out,
                stderr=out,
            )
        until("the application listens", 30, self.listens)

    def listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, answer.read().decode()

    def error(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        status, text = self.ask(method, path, body, **headers)
        document = json.loads(text)
        assert document["node"] == "liman<1>"
        return status, document["error"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The application with nothing where its database should be."""
    running = Running(free_port(), tmp_path_factory.mktemp("liman") / "log")
    yield running
    running.stop()


@pytest.fixture
def mute(tmp_path: Path) -> Iterator[Running]:
    """The application with a database that takes connections and never says a word, as behind a proxy that lives."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        running = Running(int(server.getsockname()[1]), tmp_path / "log")
        yield running
        running.stop()


def test_without_a_database_it_says_so(app: Running) -> None:
    for method, path in (("GET", "/health"), ("GET", "/notes"), ("GET", f"/notes/{uuid.uuid4()}")):
        status, error = app.error(method, path)
        assert (status, "Connection refused" in error) == (503, True), path
    assert app.error("POST", "/notes", b'{"text": "fine"}')[0] == 503


def test_its_page_is_there_without_a_database(app: Running) -> None:
    status, text = app.ask("GET", "/")
    assert status == 503
    assert "<h1>liman&lt;1&gt;</h1>" in text
    assert "no database: " in text


def test_a_silent_database_does_not_hold_it_up(mute: Running) -> None:
    assert mute.error("GET", "/health") == (503, "no answer from the database within 1 s")
    assert mute.error("POST", "/notes", b'{"text": "fine"}') == (503, "no answer from the database within 1 s")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"{", {}),
        (b"[]", {}),
        (b"null", {}),
        (b'{"note": "no text"}', {}),
        (b'{"text": 7}', {}),
        (b'{"text": ""}', {}),
        (b'{"text": "two\\nlines"}', {}),
        (b'{"text": "a zero \\u0000"}', {}),
        (b'{"text": "\xff"}', {}),
        (b'{"text": "half a pair \\ud800"}', {}),
        (json.dumps({"text": "x" * 1001}).encode(), {}),
        (b'{"text": "fine", "id": "1; drop table"}', {}),
        (b'{"text": "fine", "id": null}', {}),
        (b"x" * 16385, {}),
        (b'{"text": "fine"}', {"Content-Length": "-1"}),
        (b'{"text": "fine"}', {"Content-Length": "many"}),
    ],
)
def test_what_is_no_note_is_refused(app: Running, body: bytes, headers: dict[str, str]) -> None:
    status, error = app.error("POST", "/notes", body, **headers)
    assert status == 400
    assert error


def test_paths_that_are_not_there(app: Running) -> None:
    assert app.error("GET", "/note")[0] == 404
    assert app.error("POST", "/", b'{"text": "fine"}') == (404, "notes are written to /notes")
    assert app.error("GET", "/notes/1") == (400, "an id is a UUID")
    assert app.error("DELETE", "/notes/1") == (400, "an id is a UUID")


def test_no_password_is_in_its_log(app: Running) -> None:
    app.error("GET", "/health")
    until("the error is logged", 10, lambda: "/health: " in app.log.read_text())
    assert "secretOfTheTest" not in app.log.read_text()


def test_its_page_shows_text_as_text() -> None:
    parts = runpy.run_path(str(APP))  # unlike an import it leaves no __pycache__ among the scripts
    text = parts["page"]("n", "w", [{"written": "2026-01-01T00:00:00+00", "node": "n", "text": '<script>&"'}])
    assert "<td>&lt;script&gt;&amp;&quot;</td>" in text


def test_an_error_in_one_line() -> None:
    parts = runpy.run_path(str(APP))
    assert parts["reason"](OperationalError("first\nDETAIL: second\n")) == "first"
    assert parts["reason"](OperationalError()) == "OperationalError"


def test_a_client_that_goes_away_leaves_no_traceback(app: Running) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", app.port)) as client:
            client.sendall(b"GET /hea")
            # Closed without a goodbye: whoever waits for more gets a reset.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    logged = app.log.read_text().count("/health")
    assert app.ask("GET", "/health")[0] == 503
    until("it is logged", 10, lambda: app.log.read_text().count("/health") > logged)
    assert "Traceback" not in app.log.read_text()
