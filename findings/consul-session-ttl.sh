#!/usr/bin/env bash
# Consul 1.8.7 (Debian 11): when a session with a TTL of 10 s, made once and never renewed, lets go of its key.
#
# Guess: after 10 s, and a moment.
# Seen: after 20 s. A TTL is a lower bound; the server waits twice as long. Patroni knows, and asks for ttl/2, so a
# `ttl` of 30 is a session of 15 s in `consul` and 30 s in fact; whoever reads 15 s there expects a failover that
# comes too late, and a lock made by hand (`consul lock`, a script) lives twice as long as it says.
#
#   key held 18-25 s
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 11 'consul=1.8.7*'; }

put() { curl -sf --request PUT "http://127.0.0.1:8500/v1/$1" --data "$2"; }

finding() {
  timeout 120 consul agent -dev -bind 127.0.0.1 -log-level err >consul.log 2>&1 &
  wait_for 20 put kv/ready yes
  local session start
  session=$(put session/create '{"TTL": "10s", "LockDelay": "0s", "Behavior": "delete"}' | grep -oE '[0-9a-f-]{36}')
  see '^true$' "$(put "kv/leader?acquire=$session" n1)"
  start=$SECONDS
  wait_for 60 bash -c '! curl -sf http://127.0.0.1:8500/v1/kv/leader'
  see '^key held (1[89]|2[0-5]) s$' "key held $((SECONDS - start)) s"
}

play
