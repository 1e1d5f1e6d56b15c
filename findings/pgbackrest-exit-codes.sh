#!/usr/bin/env bash
# pgBackRest 2.55 (Debian 13): asking after the backups of a stanza that does not exist.
#
# Guess: `info` and `verify` of a stanza that is not in the repository end with an error, as `restore` does ([075]).
# Seen: both exit 0. `info` says "status: error" in its text (code 1 in its JSON), `verify` says nothing at all; so a
# cron job that trusts exit codes is content with a mistyped stanza, and with a repository that is empty. A mistyped
# key in the configuration is one line of WARN.
#
#   info --stanza=deom      stanza: deom / status: error (missing stanza path)    exit 0
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'pgbackrest=2.55*'; }

backrest() { run as_postgres pgbackrest --config=/finding/pgbackrest.conf "$@"; }

finding() {
  printf '%s\n' '[global]' repo1-path=/finding/repo lock-path=/finding log-level-file=off repo1-retension-full=2 \
    '[demo]' pg1-path=/finding/data >pgbackrest.conf
  chown -R postgres .
  see "WARN: .* contains invalid option 'repo1-retension-full'.*No stanzas exist.*exit 0$" "$(backrest info)"
  see 'status: error \(missing stanza path\).*exit 0$' "$(backrest info --stanza=deom)"
  see '"code":1,.*exit 0$' "$(backrest info --stanza=deom --output=json)"
  see '^P00   WARN: [^:]*.exit 0$' "$(backrest verify --stanza=demo)"
  see '\[075\].*exit 75$' "$(backrest restore --stanza=demo)"
}

play
