#!/usr/bin/env bash
# consul-template 0.39.1 (Go module) and Consul 1.8.7 (Debian 11): a file made from the service of the leader, while
# that leader's check is critical and no other leader is there yet. This is the state of a Patroni failover for up to
# ttl.
#
# Guess: a template waits for what it has no data for, as it does at its first rendering: the old file stays.
# Seen: an empty list is data. `service` lists passing instances alone, so the file is written without any server, and
# the command reloads the proxy with it. `service "…|any"` keeps the old server. `key` waits: even with the key
# deleted, the file stays as it was.
#
#   service      server 10.0.0.1  ->  (empty)
#   service|any  server 10.0.0.1  ->  server 10.0.0.1
#   key          n1               ->  n1
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() {
  debian 11 'consul=1.8.7*'
  go_program github.com/hashicorp/consul-template@v0.39.1
}

api() { curl -sf -o /dev/null --request PUT "http://127.0.0.1:8500/v1/$1" --data "${2:-}"; }
has() { [[ $(<"$1") == "$2" ]]; }

finding() {
  timeout 120 consul agent -dev -bind 127.0.0.1 -log-level err >consul.log 2>&1 &
  wait_for 20 api kv/leader n1
  wait_for 20 api agent/service/register '{"Name": "pg", "Tags": ["primary"], "Address": "10.0.0.1", "Port": 5432,
    "Check": {"CheckID": "leader", "TTL": "60s", "Status": "passing"}}'

  # shellcheck disable=SC2016  # consul-template's variables
  local each='{{range $i, $s := service %s}}{{if $i}} {{end}}server {{$s.Address}}{{end}}'
  # shellcheck disable=SC2059
  {
    printf "$each" '"primary.pg"' >service.tpl
    printf "$each" '"primary.pg|any"' >any.tpl
  }
  printf '{{key "leader"}}' >key.tpl
  timeout 120 consul-template -log-level err -template service.tpl:service:'echo reload >>commands' \
    -template any.tpl:any -template key.tpl:key >template.log 2>&1 &
  wait_for 20 has service 'server 10.0.0.1'
  wait_for 20 has any 'server 10.0.0.1'
  wait_for 20 has key n1

  : >commands
  api agent/check/fail/leader
  curl -sf --request DELETE http://127.0.0.1:8500/v1/kv/leader
  wait_for 20 has service ''
  sleep 3
  see $'^service=\nany=server 10.0.0.1\nkey=n1\ncommands=reload$' \
    "$(for file in service any key commands; do printf '%s=%s\n' $file "$(<$file)"; done)"
}

play
