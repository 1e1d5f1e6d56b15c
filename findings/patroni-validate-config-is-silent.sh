#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI): what `patroni --validate-config` passes, silently and with exit 0.
#
# Guess: sections and keys that this version no longer has, keys that no version ever had, and timers that Patroni
# itself calls a violated rule are problems of a configuration.
# Seen: bootstrap.users (gone since 4.0), a mistyped key, loop_wait + 2 * retry_timeout > ttl, and two DCS at once all
# pass. So does `etcd` (the v2 API) where the etcd that listens has none: the port is tried, nothing is asked. A ttl
# under 20 is refused, which shows that it did look.
#
#   users, typo, timers, two DCS:  exit 0 and nothing printed       ttl 15: exit 1
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

validate() { # validate EDIT: what it says of the member's file after sed's EDIT
  sed -e "$1" n1.yml >edited.yml
  chown postgres edited.yml
  run as_postgres python3 -m patroni --validate-config edited.yml
}

finding() {
  start_etcd
  write_member 1
  # A member must not be reached by loopback, says the validator; it looks at the text alone.
  sed -i -E 's/(connect_address: "?)127.0.0.1/\1192.0.2.1/' n1.yml
  see '^exit 0$' "$(validate '')"
  see '^exit 0$' "$(validate 's/^bootstrap:/&\n  users: {admin: {password: x, options: [createdb]}}/')"
  see '^exit 0$' "$(validate 's/^postgresql:/&\n  use_pg_rewnid: true/; s/loop_wait/lop_wait/')"
  see '^exit 0$' "$(validate 's/ttl: 20, loop_wait: 2, retry_timeout: 5/ttl: 30, loop_wait: 10, retry_timeout: 20/')"
  see '^exit 0$' "$(validate 's/^etcd3: .*/&\nzookeeper: {hosts: ["127.0.0.1:2379"]}/')"
  see '^exit 0$' "$(validate 's/^etcd3:/etcd:/')"
  see 'ttl 15 didn.t pass validation.*exit 1' "$(validate 's/ttl: 20/ttl: 15/')"
}

play
