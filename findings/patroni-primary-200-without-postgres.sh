#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI) with PostgreSQL 17 (Debian 13): REST of a leader whose PostgreSQL has just been killed.
#
# Guess: /primary, which proxies ask, and /readiness, which says "ready", are 503 until PostgreSQL answers again.
# Seen: they go by the leader key. All of /primary, /read-write, /readiness and /liveness stay 200 while connections
# are refused; only /health is 503. So as long as Patroni keeps the key, HAProxy does not take the leader out, and a
# check of /primary sees no outage where every client does.
#
#   postmaster killed:  primary 200, read-write 200, readiness 200, liveness 200, health 503, psql: exit 2
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

endpoints() {
  local name
  for name in primary read-write readiness liveness health; do
    printf '%s %s, ' $name "$(rest 1 $name)"
  done
}

finding() {
  start_etcd
  start_member 1
  wait_for 90 is_leader 1
  wait_for 20 sql 1 'select 1'
  see '^primary 200, read-write 200, readiness 200, liveness 200, health 200, $' "$(endpoints)"

  # Keeps PostgreSQL away for as long as the question takes: its program is gone, and Patroni tries again each round.
  mv /usr/lib/postgresql/17/bin/postgres /usr/lib/postgresql/17/bin/postgres.away
  kill -9 "$(head -1 data1/postmaster.pid)"
  wait_for 10 bash -c '! psql -Xh 127.0.0.1 -p 5431 -U postgres -c "select 1"'
  see '^primary 200, read-write 200, readiness 200, liveness 200, health 503, $' "$(endpoints)"
  see 'refused.*exit 2$' "$(run sql 1 'select 1')"
}

play
