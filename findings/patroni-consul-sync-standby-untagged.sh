#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI), Consul 1.8.7 (Debian 11) and PostgreSQL 17 (Debian 13): the tags of the registered service of
# a synchronous standby.
#
# Guess: as Patroni calls this role sync_standby in REST and DCS, and /sync answers 200 there alone, its service in
# Consul has a tag of its own beside `replica`.
# Seen: `replica` and nothing else, so Consul's DNS or a template cannot ask for the standby that has all commits. The
# leader bears two tags, `primary` and `master`, as if both spellings were roles.
#
#   n1 ["master","primary"]   n2 ["replica"]   GET /cluster: n2 sync_standby
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" python3-consul
  debian 11 'consul=1.8.7*'
  mkdir -p "$work/bin"
  cp "$work/debian-11/usr/bin/consul" "$work/bin/"
  fetch_patroni
}

tags() { # of all members: PORT TAG…
  curl -s http://127.0.0.1:8500/v1/catalog/service/demo | python3 -c '
import json, sys
for service in sorted(json.load(sys.stdin), key=lambda s: s["ServicePort"]):
    print(service["ServicePort"], *sorted(service["ServiceTags"]))'
}
settled() { [[ $(tags) == *5431*5432\ replica* && $(rest 2 sync) == 200 ]]; }

finding() {
  dcs='consul: {host: "127.0.0.1:8500", register_service: true}'
  dynamic='synchronous_mode: true'
  timeout 280 consul agent -dev -bind 127.0.0.1 -log-level err >consul.log 2>&1 &
  wait_for 20 consul kv put ready yes
  start_member 1
  wait_for 90 is_leader 1
  start_member 2
  wait_for 90 settled
  see '"name": "n2", "role": "sync_standby"' "$(curl -s http://127.0.0.1:8001/cluster)"
  see $'^5431 master primary\n5432 replica$' "$(tags)"
}

play
