#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI), pgBackRest 2.55 and PostgreSQL 17 (Debian 13): create_replica_methods: [pgbackrest] alone,
# with `keep_data: true` (its delta restore reuses what lies there), while the repository has no backup yet.
#
# Guess: with keep_data the data directory is kept, and with no other method nothing else asks for it to be empty. So
# a `patronictl reinit` that cannot restore leaves the replica's data as they were, and one mends the repository
# first.
# Seen: keep_data holds while the command runs. pgbackrest ends with 75 in well under a second, and then Patroni
# removes the whole directory, since the replica was not made. The only copy of the data beside the leader's is gone,
# and stays gone.
#
#   ERROR: [075]: no backup set found to restore
#   INFO: Removing data directory: /finding/data2
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*' 'pgbackrest=2.55*'
  fetch_patroni
}

member_extra() {
  [[ $1 == 2 ]] || return 0
  cat <<'YML'
  create_replica_methods: [pgbackrest]
  pgbackrest:
    command: /usr/bin/pgbackrest --config=/finding/pgbackrest.conf --stanza=demo --delta restore
    keep_data: true
    no_params: true
YML
}

finding() {
  printf '%s\n' '[global]' repo1-path=/finding/repo lock-path=/finding log-level-file=off '[demo]' pg1-path=/finding/data2 \
    >pgbackrest.conf
  start_etcd
  start_member 1
  wait_for 90 is_leader 1
  as_postgres /usr/lib/postgresql/17/bin/pg_basebackup --dbname 'host=127.0.0.1 port=5431 user=replicator' \
    --checkpoint fast --pgdata data2
  start_member 2
  wait_for 90 streams 2

  ctl reinit demo n2 --force >log
  wait_for 30 grep -q 'Removing data directory: /finding/data2' n2.log
  see 'Leaving data directory uncleaned.*\[075\]: no backup set found.*Removing data directory: /finding/data2' \
    "$(grep -E 'uncleaned|075|Removing' n2.log)"
  see 'data2/PG_VERSION.: No such file' "$(run ls data2/PG_VERSION)"
}

play
