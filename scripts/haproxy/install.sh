#!/usr/bin/env bash
# HAProxy, and socat to ask it through its socket.
. "${LABGEN_LIB:?}"

apt_install haproxy socat
leave_off haproxy.service

# Debian's unit restarts it whatever happens; this one also goes on trying, and shuts it in.
mkdir -p /etc/systemd/system/haproxy.service.d
cat >/etc/systemd/system/haproxy.service.d/labgen.conf <<'UNIT'
[Unit]
StartLimitIntervalSec=0

[Service]
RestartSec=1
# Debian 13's way to the system's log, which the configuration does without; a container is not let make it.
BindReadOnlyPaths=
NoNewPrivileges=true
PrivateTmp=true
ProtectHome=true
ProtectSystem=full
UNIT
