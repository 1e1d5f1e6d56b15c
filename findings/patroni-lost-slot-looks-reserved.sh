#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI) with PostgreSQL 17 (Debian 13): a replica is away while max_slot_wal_keep_size is passed.
#
# Guess: pg_replication_slots shows the replica's slot as lost, which is what monitoring asks for, until the replica
# has been made again.
# Seen: lost for one round at a time. Then Patroni drops the slot and makes a new one of the same name, which is
# `reserved` and healthy from the present on, while the WAL that the replica asks for is gone: it can never stream
# again, Patroni does not reinitialize it, and nothing in pg_replication_slots tells. What tells is the replica's
# state, `running` and never `streaming`.
#
#   n2's slot: reserved -> lost -> reserved
#   n2's log:  requested WAL segment … has already been removed
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

slot() { sql 1 "select wal_status from pg_replication_slots where slot_name = 'n2'"; }
remade() { grep -q "Trying to drop replication slot 'n2' with wal_status=lost" n1.log && [[ $(slot) == reserved ]]; }

finding() {
  dynamic='member_slots_ttl: 1h, postgresql: {parameters: {max_slot_wal_keep_size: 32MB, wal_keep_size: 16MB,
    max_wal_size: 48MB, min_wal_size: 32MB}}'
  start_etcd
  start_member 1
  wait_for 90 is_leader 1
  start_member 2
  wait_for 90 streams 2
  see '^(reserved|extended)$' "$(slot)"

  kill -TERM "$(pgrep -f 'patroni n2.yml' | tail -1)"
  wait "$patroni" || true
  local _
  for _ in 1 2 3 4 5 6 7 8; do
    sql 1 "select pg_logical_emit_message(true, 'x', 'x'); select pg_switch_wal()" >>log
  done
  sql 1 checkpoint
  wait_for 60 remade
  see '^reserved$' "$(slot)"

  start_member 2
  wait_for 60 grep -q 'requested WAL segment .* has already been removed' n2.log
  see 'already been removed' "$(grep 'has already been removed' n2.log | tail -1)"
  sleep 6
  wait_for 30 remade # every try of the replica loses it again, for a round
  see '^reserved 0$' "$(slot) $(sql 2 'select count(*) from pg_stat_wal_receiver')"
  see '"name": "n2"[^}]*"state": "(running|starting)"' "$(curl -s http://127.0.0.1:8001/cluster)"
}

play
