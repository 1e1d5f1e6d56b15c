#!/usr/bin/env bash
# Patroni with its clients for Consul and etcd: Debian's package, or the wheels of a version that was chosen.
. "${LABGEN_LIB:?}"

if [[ $LABGEN_VERSION ]]; then
    apt_install python3-venv curl jq
    install_venv patroni patroni patronictl
    # As Debian's package has it.
    cat >/etc/systemd/system/patroni.service <<'UNIT'
[Unit]
Description=Patroni, which runs PostgreSQL
After=network.target
ConditionPathExists=/etc/patroni/config.yml

[Service]
User=postgres
Group=postgres
ExecStart=/usr/local/bin/patroni /etc/patroni/config.yml
ExecReload=/bin/kill -HUP $MAINPID
# PostgreSQL is not killed with Patroni.
KillMode=process
TimeoutSec=30

[Install]
WantedBy=multi-user.target
UNIT
else
    apt_install patroni python3-consul python3-etcd python3-dnspython curl jq
fi

# Written here and not with the node's files: systemd has read this unit long before a node is configured.
mkdir -p /etc/systemd/system/patroni.service.d
cat >/etc/systemd/system/patroni.service.d/labgen.conf <<'UNIT'
[Unit]
After=consul.service etcd.service
StartLimitIntervalSec=0

[Service]
# Debian 14's unit waits until Patroni has heard of its DCS, and would begin again after 30 s, over and over.
TimeoutStartSec=infinity
# Debian 11's unit gives up on a Patroni that crashed.
Restart=on-failure
RestartSec=1
UNIT

# It does nothing without a configuration; but a node that is configured may boot before it is Patroni's turn to start.
leave_off patroni.service
