# shellcheck shell=bash disable=SC2034  # the scripts use what is set here
# Sourced after lib.sh by the findings that play a cluster: one etcd or Consul, members n1, n2 … on loopback, member
# nI with REST on port 800I and PostgreSQL on 543I. Patroni is PyPI's 4.1.5, the rest Debian 13's. It asks for `dcs`:
# the lines of the configuration that name the DCS; `member_extra`, if a script defines it, prints more for member I.

patroni_packages=(patroni python3-etcd python3-dnspython 'postgresql-17=17.*')

dcs='etcd3: {hosts: "127.0.0.1:2379"}'

fetch_patroni() { tree_python 3.13 patroni==4.1.5; } # over Debian's 4.0.7, whose libraries it uses

start_etcd() {
  timeout 280 etcd --data-dir etcd --log-level error >etcd.log 2>&1 &
  wait_for 20 etcdctl endpoint health
}

member_extra() { :; }

write_member() { # write_member I: nI.yml
  cat >"n$1.yml" <<YML
scope: demo
name: n$1
$dcs
restapi: {listen: "127.0.0.1:800$1", connect_address: "127.0.0.1:800$1"}
bootstrap:
  dcs: {ttl: 20, loop_wait: 2, retry_timeout: 5, ${dynamic:-}}
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}]
postgresql:
  listen: 127.0.0.1:543$1
  connect_address: 127.0.0.1:543$1
  data_dir: /finding/data$1
  bin_dir: /usr/lib/postgresql/17/bin
  authentication: {superuser: {username: postgres}, replication: {username: replicator}}
  pg_hba: [local all all trust, host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust]
  parameters: {unix_socket_directories: /tmp, ${parameters:-}}
$(member_extra "$1")
YML
}

start_member() { # start_member I: Patroni in the background, its process id in $patroni
  [[ -e n$1.yml ]] || write_member "$1"
  as_postgres timeout 280 python3 -m patroni "n$1.yml" >>"n$1.log" 2>&1 &
  patroni=$!
}

ctl() { python3 /opt/python/bin/patronictl -c n1.yml "$@"; }
sql() { psql -XAtqh 127.0.0.1 -p "543$1" -U postgres -c "$2" postgres; }
rest() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:800$1/$2"; }
is_leader() { [[ $(rest "$1" primary) == 200 ]]; }
streams() { [[ $(rest "$1" replica) == 200 && $(sql "$1" 'select count(*) from pg_stat_wal_receiver') == 1 ]]; }
