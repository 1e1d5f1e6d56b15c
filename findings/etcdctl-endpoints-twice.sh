#!/usr/bin/env bash
# etcdctl 3.5.16 (Debian 13): the endpoints in the environment and as an option.
#
# Guess: as everywhere, the option wins over the environment.
# Seen: every command dies, even where both say the same, and with a stack trace on standard error. So a node whose
# login shells export ETCDCTL_ENDPOINTS (the usual advice) breaks every script there that gives `--endpoints`. The
# rest is as guessed: ETCDCTL_API is no option, and an endpoint in the environment alone is taken.
#
#   conflicting environment variable is shadowed by corresponding command-line flag … "ETCDCTL_ENDPOINTS"
#   exit 1
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'; }

finding() {
  local url=http://127.0.0.1:2379
  timeout 60 etcd --data-dir data --log-level error >log 2>&1 &
  wait_for 15 etcdctl --endpoints "$url" endpoint health
  see 'is healthy.*exit 0' "$(run env ETCDCTL_ENDPOINTS="$url" etcdctl endpoint health)"
  see 'shadowed by corresponding command-line flag.*ETCDCTL_ENDPOINTS.*exit 1' \
    "$(run env ETCDCTL_ENDPOINTS="$url" etcdctl --endpoints "$url" endpoint health)"
}

play
