#!/usr/bin/env bash
# Patroni 4.1.5 (PyPI): the values of `patronictl edit-config -p NAME=VALUE`.
#
# Guess: VALUE is PostgreSQL's, as in `ALTER SYSTEM` or `postgres -c NAME=VALUE`: text up to the end.
# Seen: it is YAML. The most common log_line_prefix begins with %, which YAML forbids, and patronictl dies with a
# traceback; so does listen_addresses=*. A comma list in brackets or a colon makes lists and mappings. A pair of
# quotes of YAML's own inside the shell's cures it.
#
#   -p log_line_prefix='%m [%p] '       yaml.parser.ParserError … exit 1
#   -p log_line_prefix='"%m [%p] "'     log_line_prefix: '%m [%p] '
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=findings/patroni.sh
. "$folder/patroni.sh"

prepare() {
  debian 13 "${patroni_packages[@]}" 'etcd-server=3.5.16*' 'etcd-client=3.5.16*'
  fetch_patroni
}

edit() { run ctl edit-config --force --quiet -p "$1"; }

finding() {
  start_etcd
  etcdctl put /service/demo/config '{"ttl": 30}' >log
  write_member 1
  see 'ParserError.*exit 1$' "$(edit 'log_line_prefix=%m [%p] ' | tail -6)"
  see 'ScannerError.*exit 1$' "$(edit 'listen_addresses=*' | tail -9)"
  see 'exit 0$' "$(edit 'log_line_prefix="%m [%p] "')"
  see "log_line_prefix: '%m \[%p\] '" "$(ctl show-config)"
  see 'exit 0$' "$(edit 'session_preload_libraries=[auto_explain]')"
  see 'session_preload_libraries:.*- auto_explain' "$(ctl show-config)"
}

play
