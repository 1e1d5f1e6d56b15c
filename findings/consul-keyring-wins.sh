#!/usr/bin/env bash
# Consul 1.8.7 (Debian 11): an agent with a data directory is given another gossip key in its configuration.
#
# Guess: the configuration holds; with the wrong key the agent would not find the others, and say so.
# Seen: the key is written to serf/local.keyring at the first start, and from then on the file wins. A new `encrypt`
# is one line of WARN, the old key stays in use. So a key that is changed on all nodes and followed by restarts
# changes nothing, and the node whose data directory was emptied is the one that is left out.
#
#   started with A, then with B:   keyring -list shows A alone
#   [WARN] … keyring doesn't include key provided with -encrypt, using keyring: keyring=LAN
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 11 'consul=1.8.7*'; }

agent() { # agent KEY: starts it, shows the keys in use, stops it
  timeout 60 consul agent -server -bootstrap -bind 127.0.0.1 -data-dir data -encrypt "$1" >log 2>&1 &
  wait_for 30 consul kv put ready yes
  consul keyring -list
  kill $!
  wait $! || true
}

finding() {
  local first second
  first=$(consul keygen) second=$(consul keygen)
  see "${first//+/.}" "$(agent "$first")"
  see "^[^=]*LAN[^=]*${first//+/.} \[1/1\]" "$(agent "$second" | tail -2)"
  see 'WARN.*keyring doesn.t include key provided with -encrypt' "$(grep WARN log)"
}

play
