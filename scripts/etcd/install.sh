#!/usr/bin/env bash
# etcd and etcdctl: Debian's packages, or the programs of a version that was chosen.
. "${LABGEN_LIB:?}"

if [[ $LABGEN_VERSION ]]; then
    add_system_user etcd /var/lib/etcd
    install_program etcd
    install_program etcdctl
    # As Debian's package has it.
    cat >/etc/systemd/system/etcd.service <<'UNIT'
[Unit]
Description=etcd, which keeps keys that a majority agrees on
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
User=etcd
Group=etcd
StateDirectory=etcd
StateDirectoryMode=0700
EnvironmentFile=-/etc/default/etcd
ExecStart=/usr/local/bin/etcd
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT
else
    apt_install etcd-server etcd-client
fi
leave_off etcd.service

mkdir -p /etc/systemd/system/etcd.service.d
cat >/etc/systemd/system/etcd.service.d/labgen.conf <<'UNIT'
[Unit]
StartLimitIntervalSec=0

[Service]
# It tells systemd that it is there when a majority is; members that boot one after the other must wait for each other.
TimeoutStartSec=infinity
Restart=on-failure
RestartSec=1
UNIT
