#!/usr/bin/env python3
"""A stand-in for Liman: a small web application that keeps notes in PostgreSQL, which it reaches through HAProxy.

    GET /            a page: which node this is, which PostgreSQL server it reached, the last notes
    GET /health      200 if a server that takes writes answers through HAProxy, else 503
    GET /notes       the last notes as JSON; /notes/ID one of them
    POST /notes      {"text": …} writes one; the same "id" (a UUID) again writes no second one
    DELETE /notes/ID takes it away

Values come from the environment: LIMAN_NODE, LIMAN_ADDRESS, LIMAN_PORT and LIMAN_TIMEOUT, and libpq's own: PGHOST,
PGPORT, PGDATABASE, PGUSER, PGPASSWORD. It runs with Debian's python3 (3.9 and newer) and python3-psycopg2.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
import time
import uuid
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Full, LifoQueue
from socketserver import TCPServer
from typing import Any, NamedTuple

import psycopg2
from psycopg2 import errors, extensions

LAST = 20
"""How many notes are shown."""
LONGEST_TEXT, LONGEST_BODY = 1000, 16384

# A replica is not asked for its WAL position, which only a server that takes writes has.
WHERE = """
    SELECT host(inet_server_addr()), pg_is_in_recovery(),
           CASE WHEN NOT pg_is_in_recovery()
                THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END"""
# Both Limans may come first, and IF NOT EXISTS alone does not keep two of them apart.
MAKE_TABLE = """
    SELECT pg_advisory_xact_lock(hashtext('liman_notes'));
    CREATE TABLE IF NOT EXISTS liman_notes (
        id uuid PRIMARY KEY, text text NOT NULL, node text NOT NULL,
        written timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX IF NOT EXISTS liman_notes_written ON liman_notes (written)"""
NOTHING = "SELECT 1 WHERE false"
READ = "SELECT id, text, node, written FROM liman_notes ORDER BY written DESC LIMIT %s"
READ_ONE = "SELECT id, text, node, written FROM liman_notes WHERE id = %s"
# A connection that was lost leaves open whether the row is there, so the same row may be written twice.
WRITE = """
    INSERT INTO liman_notes (id, text, node) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET text = EXCLUDED.text RETURNING id, text, node, written"""
DELETE = "DELETE FROM liman_notes WHERE id = %s RETURNING id, text, node, written"


class Server(NamedTuple):
    """The PostgreSQL server that answered."""

    address: str
    timeline: int


class Answer(NamedTuple):
    """Rows, and the server they came from."""

    server: Server
    rows: list[tuple[Any, ...]]

    @property
    def notes(self) -> list[dict[str, str]]:
        return [{"id": i, "text": text, "node": node, "written": at.isoformat()} for i, text, node, at in self.rows]


class Database:
    """PostgreSQL through HAProxy. Nothing here takes longer than TIMEOUT seconds, a second try included."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._kept: LifoQueue[Any] = LifoQueue(maxsize=4)
        self._limit = threading.local()
        # psycopg2 has no time limit of its own, and behind a proxy that lives a dead server says nothing.
        extensions.set_wait_callback(self._wait)

    def run(self, statement: str, *values: object) -> Answer:
        """What the leader says to STATEMENT; raises psycopg2.Error.

        A failover shows in many ways: the connection is lost, or the server is shutting down, or takes no writes any
        more (ReadOnlySqlTransaction). So whatever happens on a kept connection, a fresh one is tried once.
        """
        self._limit.ends = time.monotonic() + self._timeout
        try:
            connection = self._kept.get_nowait()
        except Empty:
            return self._ask(self._connect(), statement, values)
        try:
            return self._ask(connection, statement, values)
        except psycopg2.Error:
            self._forget_kept()
            return self._ask(self._connect(), statement, values)

    def _connect(self) -> Any:
        # What is given up here must not go on there.
        limit = f"-c statement_timeout={round(self._timeout * 1000)}"
        connection = psycopg2.connect(application_name="liman", options=limit)
        connection.autocommit = True
        return connection

    def _ask(self, connection: Any, statement: str, values: tuple[object, ...]) -> Answer:
        try:
            with connection.cursor() as cursor:
                cursor.execute(WHERE)
                address, in_recovery, timeline = cursor.fetchone()
                if in_recovery:
                    raise errors.ReadOnlySqlTransaction(f"{address} is a replica")
                try:
                    cursor.execute(statement, values)
                except errors.UndefinedTable:
                    cursor.execute(MAKE_TABLE)
                    cursor.execute(statement, values)
                rows = cursor.fetchall()
            self._kept.put_nowait(connection)
        except Full:
            connection.close()
        except BaseException:
            connection.close()
            raise
        return Answer(Server(address, timeline), rows)

    def _forget_kept(self) -> None:
        while True:
            try:
                self._kept.get_nowait().close()
            except Empty:
                return

    def _wait(self, connection: Any) -> None:
        """How psycopg2 waits for the server, from connecting on."""
        while True:
            state = connection.poll()
            if state == extensions.POLL_OK:
                return
            rest = self._limit.ends - time.monotonic()
            reads = [connection.fileno()] if state == extensions.POLL_READ else []
            writes = [connection.fileno()] if state == extensions.POLL_WRITE else []
            if rest <= 0 or not any(select.select(reads, writes, [], rest)):
                raise psycopg2.OperationalError(f"no answer from the database within {self._timeout:g} s")


class Refused(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class Web(ThreadingHTTPServer):
    """The web server; each connection has a thread and may carry one request."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, node: str, address: str, port: int, database: Database) -> None:
        self.node, self.database = node, database
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer's own would ask the DNS for this node's name, and a lab may have none.
        TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A health check closes its connection once it has read the status.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


Reply = tuple[HTTPStatus, "str | dict[str, Any]"]


class Handler(BaseHTTPRequestHandler):
    server: Web
    server_version, sys_version = "liman", ""
    timeout = 10
    """Seconds that a client may be silent."""

    def do_GET(self) -> None:
        if self.path == "/":
            self._reply(self._page)
        elif self.path == "/health":
            self._reply(lambda: (HTTPStatus.OK, self._told(self.server.database.run(NOTHING))))
        elif self.path == "/notes":
            self._reply(self._list)
        else:
            self._reply(lambda: self._one(READ_ONE))

    def do_POST(self) -> None:
        self._reply(self._write)

    def do_DELETE(self) -> None:
        self._reply(lambda: self._one(DELETE))

    def _reply(self, work: Callable[[], Reply]) -> None:
        try:
            status, content = work()
        except psycopg2.Error as error:
            status, content = HTTPStatus.SERVICE_UNAVAILABLE, {"node": self.server.node, "error": reason(error)}
            self.log_error("%s: %s", self.path, reason(error))
        except Refused as refusal:
            status, content = refusal.status, {"node": self.server.node, "error": str(refusal)}
        html = isinstance(content, str)
        body = (content if isinstance(content, str) else json.dumps(content) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{'text/html' if html else 'application/json'}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Requests are not logged: health checks alone would fill the journal."""

    def _told(self, answer: Answer) -> dict[str, Any]:
        return {"node": self.server.node, "server": answer.server._asdict()}

    def _page(self) -> Reply:
        try:
            answer = self.server.database.run(READ, LAST)
        except psycopg2.Error as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, page(self.server.node, f"no database: {reason(error)}", [])
        where = f"PostgreSQL at {answer.server.address}, timeline {answer.server.timeline}"
        return HTTPStatus.OK, page(self.server.node, where, answer.notes)

    def _list(self) -> Reply:
        answer = self.server.database.run(READ, LAST)
        return HTTPStatus.OK, {**self._told(answer), "notes": answer.notes}

    def _one(self, statement: str) -> Reply:
        """The note named in the path, to which STATEMENT is done."""
        root, _, name = self.path.rpartition("/")
        if root != "/notes":
            raise Refused(HTTPStatus.NOT_FOUND, "there is /, /health, /notes and /notes/ID")
        answer = self.server.database.run(statement, note_id(name))
        if not answer.rows:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no note {name}")
        return HTTPStatus.OK, {**self._told(answer), "note": answer.notes[0]}

    def _write(self) -> Reply:
        if self.path != "/notes":
            raise Refused(HTTPStatus.NOT_FOUND, "notes are written to /notes")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_BODY:
            raise Refused(HTTPStatus.BAD_REQUEST, f"a note comes with its length, at most {LONGEST_BODY} bytes")
        name, text = note_of(self.rfile.read(int(length)))
        answer = self.server.database.run(WRITE, name, text, self.server.node)
        return HTTPStatus.CREATED, {**self._told(answer), "note": answer.notes[0]}


def note_id(text: object) -> str:
    """TEXT as PostgreSQL writes a UUID; raises Refused."""
    try:
        return str(uuid.UUID(str(text)))
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "an id is a UUID") from None


def note_of(body: bytes) -> tuple[str, str]:
    """The id and the text that the JSON in BODY asks to write; raises Refused."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    text = document.get("text") if isinstance(document, dict) else None
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= LONGEST_TEXT:
        example = json.dumps({"text": f"one line of at most {LONGEST_TEXT} characters"})
        raise Refused(HTTPStatus.BAD_REQUEST, f"a note is JSON: {example}")
    return note_id(document.get("id", uuid.uuid4())), text


def page(node: str, where: str, notes: list[dict[str, str]]) -> str:
    """The page for people; it loads itself anew, so that a failover can be watched."""
    rows = "".join(
        f"<tr><td>{escape(note['written'][:19])}</td><td>{escape(note['node'])}</td><td>{escape(note['text'])}</td></tr>\n"
        for note in notes
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">\n'
        f"<title>{escape(node)}</title>\n<h1>{escape(node)}</h1>\n<p>{escape(where)}</p>\n"
        f"<table><tr><th>written</th><th>by</th><th>note</th></tr>\n{rows}</table></html>\n"
    )


def reason(error: Exception) -> str:
    """The first line of what a database error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    Web(
        os.environ["LIMAN_NODE"],
        os.environ["LIMAN_ADDRESS"],
        int(os.environ["LIMAN_PORT"]),
        Database(float(os.environ["LIMAN_TIMEOUT"])),
    ).serve_forever()
