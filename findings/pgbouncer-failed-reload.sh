#!/usr/bin/env bash
# PgBouncer 1.24.1 (Debian 13): RELOAD of a file with one unknown key in it.
#
# Guess: the console answers with an error, and what is in force stays in force, as with PostgreSQL and HAProxy.
# Seen: the console answers RELOAD, and psql exits 0; the log alone says "config file loading failed". And the file
# was taken up to that key: the settings above it are in force, those below it are back at their built-in defaults.
# Here that took admin_users away, so the console shut out the one who could have mended it; a second RELOAD needs a
# signal.
#
#   psql -c RELOAD pgbouncer     RELOAD, exit 0
#   log                          ERROR unknown parameter: pgbouncer/suspend_timeuot / WARNING config file loading failed
#   psql -c 'show config' …      FATAL:  not allowed
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'pgbouncer=1.24.1*' 'postgresql-client-17=17.*'; }

console() { psql -XAtqh 127.0.0.1 -p 6432 "$@" pgbouncer; }
sizes() { console -U "$1" -c 'show config' | grep -E '^(default_pool_size|max_client_conn)'; }

finding() {
  printf '"%s" ""\n' boss viewer >users
  cat >pgbouncer.ini <<'INI'
[databases]
app = host=127.0.0.1 port=5432
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = 6432
unix_socket_dir =
auth_type = trust
auth_file = users
stats_users = viewer
logfile = log
max_client_conn = 200
default_pool_size = 30
admin_users = boss
INI
  chown -R postgres .
  (as_postgres timeout 60 pgbouncer -q pgbouncer.ini) &
  wait_for 10 console -U boss -c 'show version'
  see 'default_pool_size.30.*max_client_conn.200' "$(sizes boss)"

  sed -i 's/^app.*/app = host=127.0.0.1 port=5433/; s/^max_client_conn.*/max_client_conn = 300/
    s/^default_pool_size/suspend_timeuot = 5\n&/' pgbouncer.ini
  see '^RELOAD.exit 0$' "$(run psql -XAth 127.0.0.1 -p 6432 -U boss -c RELOAD pgbouncer)"
  see 'ERROR unknown parameter: pgbouncer/suspend_timeuot.*WARNING config file loading failed' "$(cat log)"

  see 'app.127.0.0.1.5433' "$(console -U viewer -c 'show databases')"
  see 'default_pool_size.20.20.*max_client_conn.300' "$(sizes viewer)"
  see 'FATAL:  not allowed.*exit 2' "$(run console -U boss -c 'show config')"
}

play
