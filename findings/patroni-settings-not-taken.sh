#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI) with PostgreSQL 17 (Debian 13): settings that Patroni accepts and does not use.
#
# Guess: a member's own postgresql.parameters win over the cluster's, or the log says why not; and a wal_keep_size of
# 0, PostgreSQL's own default, is a value like another.
# Seen: max_connections, wal_level and port of a member's own file are dropped without a word in the log; work_mem
# beside them is taken. wal_keep_size: 0 given to the cluster stands in `patronictl show-config`, while Patroni's own
# default of 128MB is in force; 16MB is taken.
#
#   own file  max_connections 50, wal_level minimal, port 7777, work_mem 7MB  ->  100, replica, 5431, 7MB
#   cluster   wal_keep_size 0 -> 128MB      16MB -> 16MB
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

kept() { [[ $(sql 1 'show wal_keep_size') == "$1" ]]; }

finding() {
  parameters='max_connections: 50, wal_level: minimal, port: 7777, work_mem: 7MB'
  start_etcd
  start_member 1
  wait_for 90 is_leader 1
  wait_for 20 sql 1 'select 1'
  see '^100.replica.5431.7MB$' "$(sql 1 'show max_connections; show wal_level; show port; show work_mem')"
  see '^0$' "$(grep -Ei 'max_connections|wal_level|7777' n1.log | grep -vc "selecting default" || true)"

  ctl edit-config --force --quiet -p wal_keep_size=16MB >log
  wait_for 20 kept 16MB
  ctl edit-config --force --quiet -p wal_keep_size=0 >>log
  wait_for 20 kept 128MB
  see 'wal_keep_size: 0' "$(ctl show-config)"
}

play
