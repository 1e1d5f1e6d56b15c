#!/usr/bin/env bash
# python-vagrant 1.0.0 (PyPI): `conf()` on what `vagrant ssh-config` prints for an environment of two machines.
#
# Guess: the first machine, or an error that asks for a name.
# Seen: one dictionary with the keys of all machines, later ones over earlier ones: `Host` and `Port` are the last
# machine's, but a key that only an earlier one has (here ProxyCommand and IdentityFile) is mixed in, so it describes
# a machine that does not exist. `hostname()`, `port()` and `user_hostname_port()` are made from it.
#
#   Host pg2, HostName 192.0.2.12, Port 22, ProxyCommand of pg1
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { python python-vagrant==1.0.0; }

finding() {
  cat >config <<'CONF'
Host pg1
  HostName 192.0.2.11
  User vagrant
  Port 2222
  ProxyCommand jump pg1
  IdentityFile "/keys/a b"

Host pg2
  HostName 192.0.2.12
  Port 22
CONF
  cat >ask.py <<'PY'
import vagrant

print(sorted(vagrant.Vagrant("/").conf(open("config").read()).items()))
PY
  mkdir -p path # python-vagrant looks for the program when it is loaded, and does not run it here
  printf '#!/bin/sh\n' >path/vagrant && chmod +x path/vagrant
  see "'Host', 'pg2'.*'HostName', '192.0.2.12'.*'Port', '22'.*'ProxyCommand', 'jump pg1'.*'User', 'vagrant'" \
    "$(PATH=$work/path:$PATH "$work/venv/bin/python" ask.py)"
}

play
