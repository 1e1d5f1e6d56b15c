#!/usr/bin/env bash
# psycopg 3.3.9, psycopg2 2.9.13 (PyPI) and libpq 17 against PostgreSQL 17 (Debian 13): one string with two hosts,
# where the first host answers, but with FATAL.
#
# Guess: psycopg 3 hands the string to libpq, as psycopg2 and psql do, so all three behave alike.
# Seen: libpq gives up at the first server that answers with an error of its own ("too many clients", no such database
# or role), whatever the next host would have said. psycopg 3 splits the list itself, tries each host, and gets in at
# the second. So a drill with psycopg2 shows an outage at a leader that is merely full, and one with psycopg 3 shows
# none.
#
#   psql:      FATAL:  sorry, too many clients already
#   psycopg2:  OperationalError … sorry, too many clients already
#   psycopg:   5433
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() {
  debian 13 'postgresql-17=17.*' python3
  tree_python 3.13 psycopg==3.3.9 psycopg-binary==3.3.9 psycopg2-binary==2.9.13 typing_extensions==4.16.0
}

start() { # start PORT OPTION…
  local bin=/usr/lib/postgresql/17/bin port=$1
  shift
  as_postgres $bin/initdb --pgdata "$port" --username postgres --auth trust >>log
  as_postgres $bin/pg_ctl --pgdata "$port" --wait --log "$port/log" -o "-p $port -k /tmp $*" start >>log
}

with() { # with MODULE: the port of the server it got
  python3 -c "import $1, sys
try:
    with $1.connect(sys.argv[1]).cursor() as cursor:
        cursor.execute('show port')
        print(cursor.fetchone()[0])
except $1.OperationalError as error:
    print('OperationalError', error)" "$hosts"
}

finding() {
  hosts='host=127.0.0.1,127.0.0.1 port=5432,5433 user=postgres dbname=postgres'
  start 5432 -c max_connections=3 -c superuser_reserved_connections=0 -c max_wal_senders=0
  start 5433
  see '^5432$' "$(with psycopg)"

  local _
  for _ in 1 2 3; do
    timeout 60 psql -qXh /tmp -U postgres -c 'select pg_sleep(30)' >/dev/null 2>&1 &
  done
  wait_for 10 bash -c '! psql -Xh /tmp -U postgres -c "select 1"'
  see 'too many clients already.exit 2' "$(run psql -XAtc 'show port' "$hosts")"
  see '^OperationalError .*too many clients already' "$(with psycopg2)"
  see '^5433$' "$(with psycopg)"
}

play
