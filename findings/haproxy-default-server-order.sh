#!/usr/bin/env bash
# HAProxy 3.0.11 (Debian 13): `default-server` below the `server` lines of the same proxy.
#
# Guess: it holds for the proxy, wherever it stands there, as `option httpchk` and `timeout check` do; or -c says that
# it comes too late.
# Seen: it holds for the lines below it alone, and `haproxy -c` (with -dW too) is silent. So `port 8008` was lost, the
# check for Patroni went to PostgreSQL's own port, and a healthy leader was down.
#
#   show servers state: check port 5432 of the server above, 8008 of the server below
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'haproxy=3.0.11*' python3; }

check_ports() {
  python3 -c '
import socket
with socket.socket(socket.AF_UNIX) as s:
    s.connect("haproxy.sock")
    s.sendall(b"show servers state primary\n")
    lines = "".join(iter(lambda: s.recv(65536).decode(), "")).splitlines()
names = lines[1].lstrip("# ").split()
for line in lines[2:]:
    if line:
        server = dict(zip(names, line.split()))
        print(server["srv_name"], "port", server["srv_port"], "check port", server["srv_check_port"])'
}

finding() {
  cat >haproxy.cfg <<'CFG'
global
  stats socket /finding/haproxy.sock
defaults
  mode tcp
  timeout connect 2s
  timeout client 2s
  timeout server 2s
listen primary
  bind 127.0.0.1:5000
  option httpchk OPTIONS /primary
  server above 127.0.0.1:5432 check
  default-server port 8008 inter 1s
  server below 127.0.0.1:5433 check
CFG
  see '^exit 0$' "$(run haproxy -dW -c -f haproxy.cfg)"
  timeout 60 haproxy -f haproxy.cfg >log 2>&1 &
  wait_for 10 check_ports
  see 'above port 5432 check port 0.*below port 5433 check port 8008' "$(check_ports)"
}

play
