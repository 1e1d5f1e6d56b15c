#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI): patronictl is asked for a cluster that there is not (a mistyped scope).
#
# Guess: an error and an exit code other than 0, as from `patronictl -c nofile.yml`.
# Seen: an empty table headed "(uninitialized)", `[]` as JSON, an empty history, a configuration of nothing: exit 0
# each. So a script that trusts the exit code, or asks that "no member is bad", is content with a cluster that is not
# there.
#
#   + Cluster: deom (uninitialized) … exit 0        list -f json: [] exit 0
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

finding() {
  start_etcd
  write_member 1
  see 'Cluster: deom \(uninitialized\).*exit 0$' "$(run ctl list deom)"
  see '^\[\].exit 0$' "$(run ctl list --format json deom)"
  see 'TL.*exit 0$' "$(run ctl history deom)"
  see '^exit 0$' "$(run ctl show-config deom)"
  see 'not existing.*exit 1$' "$(run python3 /opt/python/bin/patronictl -c nofile.yml list)"
}

play
