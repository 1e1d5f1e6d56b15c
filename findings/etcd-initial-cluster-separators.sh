#!/usr/bin/env bash
# etcd 3.5.16 (Debian 13): what may stand between the members of ETCD_INITIAL_CLUSTER.
#
# Guess: a list with an empty member (a comma left at the end by a template's loop) is refused; a space after a comma,
# as in every other list of addresses, is not.
# Seen: the other way round. Commas at the end, even two, are ignored and the member leads. A space becomes part of
# the next member's name: that member does not find itself ("couldn't find local name"), while the ones before the
# space start and wait for it.
#
#   a, "a=http://127.0.0.1:2380,,"                           b71f75320dc06a6c, started, a, …
#   b, "a=http://127.0.0.1:2390, b=http://127.0.0.1:2380"    couldn't find local name "b" in the initial cluster …
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'; }

member() { # member NAME INITIAL_CLUSTER: replaces this shell
  rm -rf data
  ETCD_INITIAL_CLUSTER=$2 exec timeout 20 etcd --name "$1" --data-dir data --log-level warn \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380
}

finding() {
  local commas
  for commas in ',' ',,'; do
    (member a "a=http://127.0.0.1:2380$commas") >log 2>&1 &
    wait_for 15 etcdctl endpoint health
    see '(^|\n)[0-9a-f]+, started, a, ' "$(etcdctl member list)"
    kill $!
    wait $! || true
  done

  see 'couldn.t find local name .*exit [1-9]' \
    "$(run bash -c "$(declare -f member)"'; member b "a=http://127.0.0.1:2390, b=http://127.0.0.1:2380"')"
}

play
