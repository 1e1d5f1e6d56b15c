#!/usr/bin/env bash
# consul-template 0.39.1 (Go module) and Consul 1.8.7 (Debian 11): the command of a template fails once.
#
# Guess: the change has not been carried out, so the next run, or the restart by systemd, does it again.
# Seen: the file is written before the command runs, and only a file that changes runs a command. The run with the
# failure exits 14; every later run finds the file as it should be, does not run the command, and exits 0. So a reload
# that failed while PgBouncer was down, or an address that could not be added, is never made up for. What the command
# does must be asked for by something else too (at boot, or by a timer), or the file removed where the command fails.
#
#   consul-template -once     first: exit 14     second: exit 0, the command has run once in all
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() {
  debian 11 'consul=1.8.7*'
  go_program github.com/hashicorp/consul-template@v0.39.1
}

once() { run consul-template -once -log-level err -template leader.tpl:leader:'echo ran >>commands; exit 3'; }

finding() {
  timeout 120 consul agent -dev -bind 127.0.0.1 -log-level err >consul.log 2>&1 &
  wait_for 20 curl -sf --request PUT http://127.0.0.1:8500/v1/kv/leader --data n1
  printf '{{key "leader"}}' >leader.tpl
  see 'exit 14$' "$(once)"
  see '^n1 ran$' "$(<leader) $(<commands)"
  see '^exit 0$' "$(once)"
  see '^n1 ran$' "$(<leader) $(<commands)"

  rm leader # the cure
  see 'exit 14$' "$(once)"
  see '^ran.ran$' "$(<commands)"
}

play
