"""Tells four times a second who leads: by SQL on this node, by this node's Patroni, and by the DCS. Runs as postgres.

Standard input: one line of JSON (see `main`), then nothing; when it closes, or after `seconds`, it ends.
Standard output: a line of JSON a look: by, number (from 1, each `by` for itself), start and end (this node's monotonic
clock, when it asked and when the answer was there), leads, timeline, leader.
"""

import base64
import http.client
import json
import os
import sys
import threading
import time
from pathlib import Path

import psycopg2

SQL = (
    "select not pg_is_in_recovery(), case when pg_is_in_recovery() "
    "then (select received_tli from pg_stat_wal_receiver) "
    "else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end"
)
NOBODY = ""
USUAL = "/var/run/postgresql"

out = threading.Lock()


def tell(*entry):
    with out:
        sys.stdout.write(json.dumps(entry, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def socket_folder():
    """Where PostgreSQL has its first socket, by its own word; the usual place while it does not run."""
    for path in Path("/var/lib/postgresql").glob("*/*/postmaster.pid"):
        try:
            return path.read_text().splitlines()[4] or USUAL
        except (OSError, IndexError):
            continue
    return USUAL


class Sql:
    """PostgreSQL's own word, over a connection that is kept."""

    def __init__(self):
        self.connection = None

    def look(self):
        try:
            if self.connection is None:
                self.connection = psycopg2.connect(
                    host=socket_folder(),
                    dbname="postgres",
                    connect_timeout=2,
                    options="-c statement_timeout=1000",
                )
                self.connection.autocommit = True
            with self.connection.cursor() as cursor:
                cursor.execute(SQL)
                return (*cursor.fetchone(), None)
        except psycopg2.Error:
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None, None, None


def ask(host, port, method, path, body=None):
    """Status and text of an HTTP answer."""
    line = http.client.HTTPConnection(host, port, timeout=2)
    try:
        line.request(method, path, body)
        answer = line.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        line.close()


class Rest:
    """What this node's Patroni answers to a load balancer."""

    def __init__(self, address):
        self.address = address

    def look(self):
        try:
            return ask(self.address, 8008, "GET", "/primary")[0] == 200, None, None
        except (OSError, http.client.HTTPException):
            return None, None, None


class Dcs:
    """Whose name the leader key holds; the empty name if it is gone, None if the DCS gives no answer."""

    def __init__(self, kind, hosts, key):
        self.kind, self.hosts, self.key = kind, hosts, key
        self.version = "v3"

    def look(self):
        # One host a look: whoever asks several that are gone looks away for long.
        try:
            leader = getattr(self, self.kind)(self.hosts[0])
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            leader = None
        if leader is None:
            self.hosts.append(self.hosts.pop(0))
        return None, None, leader

    def consul(self, host):
        status, text = ask(host, 8500, "GET", "/v1/kv" + self.key + "?raw")
        return text if status == 200 else NOBODY if status == 404 else None

    def etcd(self, host):
        status, text = ask(host, 2379, "GET", "/v2/keys" + self.key + "?quorum=true")
        return json.loads(text)["node"]["value"] if status == 200 else NOBODY if status == 404 else None

    def etcd3(self, host):
        body = json.dumps({"key": base64.b64encode(self.key.encode()).decode()})
        status, text = ask(host, 2379, "POST", "/" + self.version + "/kv/range", body)
        if status == 404:
            self.version = "v3beta"  # etcd 3.3
            status, text = ask(host, 2379, "POST", "/" + self.version + "/kv/range", body)
        if status != 200:
            return None
        found = json.loads(text).get("kvs")
        return base64.b64decode(found[0]["value"]).decode() if found else NOBODY


def watch(by, eye, interval, end):
    number, due = 0, time.monotonic()
    while due < end:
        time.sleep(max(due - time.monotonic(), 0))
        number, start = number + 1, time.monotonic()
        leads, timeline, leader = eye.look()
        now = time.monotonic()
        tell(by, number, start, now, leads, timeline, leader)
        due = max(due + interval, now)


def main():
    config = json.loads(sys.stdin.readline())
    dcs = config["dcs"]
    eyes = {"sql": Sql(), "rest": Rest(config["address"]), "dcs": Dcs(dcs["kind"], dcs["hosts"], dcs["key"])}
    end = time.monotonic() + config["seconds"]
    for by, eye in eyes.items():
        threading.Thread(target=watch, args=(by, eye, config["interval"], end), daemon=True).start()
    while time.monotonic() < end and sys.stdin.read(1024):
        pass
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
