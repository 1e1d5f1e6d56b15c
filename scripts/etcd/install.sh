#!/usr/bin/env bash
# etcd and etcdctl.
. "${LABGEN_LIB:?}"

apt_install etcd-server etcd-client
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
