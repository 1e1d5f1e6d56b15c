#!/usr/bin/env bash
# Starts the member. It is ready when it takes part in a majority: a health check is a read that the majority confirms.
. "${LABGEN_LIB:?}"

healthy() {
    # etcdctl dies of an option whose variable somebody exports, too.
    env -u ETCDCTL_ENDPOINTS -u ETCDCTL_COMMAND_TIMEOUT ETCDCTL_API=3 etcdctl --endpoints=http://127.0.0.1:2379 --command-timeout=5s endpoint health
}

enable_and_start etcd.service
wait_for 300 "majority of etcd's members" healthy
