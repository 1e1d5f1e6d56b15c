#!/usr/bin/env bash
# keepalived, the user that looks whether HAProxy works, and the tool that asks who has an address.
. "${LABGEN_LIB:?}"

apt_install keepalived iproute2 iputils-arping curl
leave_off keepalived.service
add_system_user keepalived_script /nonexistent

# Debian's unit gives up on a keepalived that crashed, and the VIP stays here beside that of the node that takes over; a
# new keepalived takes it away first of all.
mkdir -p /etc/systemd/system/keepalived.service.d
cat >/etc/systemd/system/keepalived.service.d/labgen.conf <<'UNIT'
[Unit]
After=haproxy.service
StartLimitIntervalSec=0

[Service]
RuntimeDirectory=keepalived
ExecStartPre=/usr/local/sbin/keepalived-interface
Restart=always
RestartSec=1
NoNewPrivileges=true
ProtectHome=true
ProtectSystem=full
UNIT
