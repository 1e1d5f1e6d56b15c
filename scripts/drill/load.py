"""Writes rows through every path of a lab at once, one commit each, and tells when each was answered. Runs on a node.

Standard input: one line of JSON (see `main`), then nothing; when it closes, or after `seconds`, the load ends.
Standard output: a line of JSON an attempt: path, number, start, end, result, server, timeline, error; and, when a
path has ended, path and number of attempts. Times are this node's monotonic clock. An attempt is `unknown` when its
answer was lost: the row may be there or not.
"""

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress

import psycopg2

SERVER = "split_part(current_setting('listen_addresses'), ',', 1)"
WRITE = (
    "insert into {table} (id) values (%s) returning " + SERVER + ", "  # noqa: S608 - the table's name is labgen's
    "('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int"
)
READ = "select " + SERVER + ", null::int"

# Said by a server that has done nothing, whatever was asked; other errors may come after the commit.
CERTAIN_CLASSES = ("22", "23", "25", "28", "3D", "42", "53", "55")
CERTAIN = ("57P03",)  # it is starting up or shutting down, and lets nobody in
LOOK = 0.05

out = threading.Lock()


def tell(*entry):
    with out:
        sys.stdout.write(json.dumps(entry, separators=(",", ":")) + "\n")
        sys.stdout.flush()


class Path(threading.Thread):
    """One client of one path: a connection, kept while it works, and an attempt every `interval` seconds."""

    def __init__(self, about, config, stop):
        super().__init__(daemon=True)
        self.about, self.config, self.stop = about, config, stop
        self.connection = None
        self.since = None  # when the statement under way was sent

    def run(self):
        number, due = 0, time.monotonic()
        end = due + self.config["seconds"]
        while number < self.config["most"] and time.monotonic() < end:
            if self.stop.wait(max(due - time.monotonic(), 0)):
                break
            number += 1
            start = time.monotonic()
            told = self.attempt(number)
            now = time.monotonic()
            tell(self.about["name"], number, start, now, *told)
            due = max(due + self.config["interval"], now)
        tell(self.about["name"], number)
        self.close()

    def attempt(self, number):
        """Result, server, timeline, error."""
        sent = False
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(password=self.config["password"], **self.about["to"])
                self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                sent, self.since = True, time.monotonic()
                if self.about["reads"]:
                    cursor.execute(READ)
                else:
                    cursor.execute(
                        WRITE.format(table=self.config["table"]), ("{}-{}".format(self.about["name"], number),)
                    )
                server, timeline = cursor.fetchone()
            self.since = None
            if self.connection.notices:
                # "committed locally, but might not have been replicated": that is no promise.
                words = self.connection.notices[-1].strip()[:120]
                del self.connection.notices[:]
                return "unknown", server, timeline, words
            return "ok", server, timeline, None
        except psycopg2.Error as why:
            self.since = None
            code = why.pgcode or ""
            certain = not sent or code[:2] in CERTAIN_CLASSES or code in CERTAIN
            # Another connection may lead to another server.
            self.close()
            words = (str(why).strip().splitlines() or [type(why).__name__])[0][:120]
            return "fail" if certain else "unknown", None, None, (code + " " + words).strip()
        finally:
            self.since = None

    def close(self):
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(psycopg2.Error):
                connection.close()

    def give_up(self, deadline):
        """End a statement without an answer for DEADLINE seconds: a frozen server's kernel still confirms it."""
        since, connection = self.since, self.connection
        if since is None or connection is None or time.monotonic() - since < deadline:
            return
        # It may have ended by itself meanwhile.
        with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


def main():
    config = json.loads(sys.stdin.readline())
    stop = threading.Event()
    paths = [Path(about, config, stop) for about in config["paths"]]
    for path in paths:
        path.start()

    def wait_for_the_end():
        while sys.stdin.read(1024):
            pass
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    while any(path.is_alive() for path in paths):
        for path in paths:
            path.give_up(config["deadline"])
        time.sleep(LOOK)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more
