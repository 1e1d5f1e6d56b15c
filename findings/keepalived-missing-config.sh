#!/usr/bin/env bash
# keepalived 2.3.3 (Debian 13): `keepalived -t` with a configuration file that is not there.
#
# Guess: like a file with an error in it, a missing file fails the test, so that `keepalived -t -f FILE && reload` is
# safe.
# Seen: it says so on standard error, and exits 0. An empty file and an `include` that matches nothing exit 0 too,
# though a keyword that it does not know exits 5. A test of a mistyped path is therefore a test that passes.
#
#   Config files missing 'keepalvied.conf'.
#   exit 0
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'keepalived=1:2.3.3*'; }

finding() {
  see "Config files missing 'keepalvied.conf'.*exit 0" "$(run keepalived -t -f keepalvied.conf)"

  : >empty.conf
  see '^exit 0$' "$(run keepalived -t -f empty.conf)"
  echo 'include /finding/conf.d/*.conf' >include.conf
  see 'Config files missing .*exit 0' "$(run keepalived -t -f include.conf)"

  echo 'vrrp_instnce VI_1' >keyword.conf # the control: a test that can fail
  see "Unknown keyword 'vrrp_instnce'.*exit 5" "$(run keepalived -t -f keyword.conf)"
}

play
