#!/usr/bin/env bash
# HAProxy 3.0.11 (Debian 13): a server line with a port for health checks, but without the word `check`.
#
# Guess: `option httpchk` in the proxy and `port 8008` on the server mean nothing without `check`, so `haproxy -c`
# warns.
# Seen: no word of it, not even with -dW, which makes warnings fatal. The server is "no check": up for ever, and port
# 5000 hands writers to whichever node comes next. (It does warn of `http-check expect` without `option httpchk`.)
#
#   haproxy -dW -c -f haproxy.cfg        exit 0
#   show stat                            primary,dead … no check
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

prepare() { debian 13 'haproxy=3.0.11*' python3; }

ask() { # ask COMMAND: the answer of the process that runs
  python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect("haproxy.sock")
    s.sendall(sys.argv[1].encode() + b"\n")
    print("".join(iter(lambda: s.recv(65536).decode(), "")))' "$1"
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
  http-check expect status 200
  server dead 127.0.0.1:5432 port 8008 inter 200ms
CFG
  see '^exit 0$' "$(run haproxy -dW -c -f haproxy.cfg)"
  timeout 60 haproxy -f haproxy.cfg >log 2>&1 &
  wait_for 10 ask 'show info'
  sleep 2 # ten checks' worth
  see '^primary,dead,no check$' "$(ask 'show stat' | cut -d, -f1,2,18- | grep dead | cut -d, -f1-3)"

  sed -i 's/port 8008/check port 8008/' haproxy.cfg # the control
  timeout 60 haproxy -f haproxy.cfg -sf $! >log 2>&1 &
  wait_for 10 bash -c "$(declare -f ask)"'; ask "show stat" | grep dead | grep -q ,DOWN,'
}

play
