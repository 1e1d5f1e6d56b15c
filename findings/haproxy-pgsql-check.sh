#!/usr/bin/env bash
# HAProxy 3.0.11 and PostgreSQL 17 (Debian 13): what `option pgsql-check` takes for a healthy server.
#
# Guess: the check logs in as the user that it is given. A role that does not exist is a failed check, and a server
# that answers but has no connection free is up: it is busy, and clients may wait.
# Seen: both the other way round. The check ends at the server's first answer, before roles matter, so any name is
# fine (PostgreSQL logs a FATAL at every check). A server whose connections are all in use answers FATAL, so it is
# DOWN: under load the proxy takes the leader out and closes its port to everyone. A check of Patroni's REST has
# neither fault.
#
#   primary/pg with no such role, connections free:  UP L7OK "PostgreSQL server is ok"
#   the same with max_connections in use:            DOWN L7RSP FATAL
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'haproxy=3.0.11*' 'postgresql-17=17.*' python3; }

status() {
  python3 -c '
import csv, socket
with socket.socket(socket.AF_UNIX) as s:
    s.connect("haproxy.sock")
    s.sendall(b"show stat\n")
    text = "".join(iter(lambda: s.recv(65536).decode(), ""))
for row in csv.DictReader(text[2:].splitlines()):
    if row["svname"] == "pg":
        print(row["status"], row["check_status"], row["last_chk"])'
}
is() { [[ $(status) == "$1"* ]]; }

finding() {
  local bin=/usr/lib/postgresql/17/bin
  as_postgres $bin/initdb --pgdata data --username postgres --auth trust >log
  as_postgres $bin/pg_ctl --pgdata data --wait --log data/log start >>log -o "-p 5432 -k /tmp -c max_connections=5 \
    -c superuser_reserved_connections=0 -c max_wal_senders=0"
  cat >haproxy.cfg <<'CFG'
global
  stats socket /finding/haproxy.sock
defaults
  mode tcp
  timeout connect 2s
  timeout client 2s
  timeout server 2s
listen primary
  bind 127.0.0.1:5000
  option pgsql-check user nosuchrole
  server pg 127.0.0.1:5432 check inter 200ms fall 2 rise 2
CFG
  timeout 90 haproxy -f haproxy.cfg >haproxy.log 2>&1 &
  wait_for 10 is 'UP L7OK'
  sleep 1
  see 'UP L7OK PostgreSQL server is ok' "$(status)"
  see 'role "nosuchrole" does not exist' "$(grep nosuchrole data/log | tail -1)"

  local _
  for _ in 1 2 3 4 5; do
    PGAPPNAME=busy timeout 60 psql -qXh /tmp -U postgres -c 'select pg_sleep(20)' >/dev/null 2>&1 &
  done
  wait_for 10 is 'DOWN L7RSP'
  see 'DOWN L7RSP FATAL' "$(status)"
}

play
