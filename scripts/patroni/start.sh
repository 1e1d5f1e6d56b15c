#!/usr/bin/env bash
# Starts Patroni. This is done when it has begun to make the cluster: whoever starts from then on will copy it. Where Patroni
# is not told by its DCS that there is a leader at last, and would look for one every loop_wait only, there has to be one.
. "${LABGEN_LIB:?}"

# about PATH FILTER: whether jq's FILTER holds of what this node's REST API says there.
about() {
    local told
    told=$(curl --silent --show-error --fail --max-time 10 "http://$LABGEN_ADDRESS:8008/$1") || return
    echo "$told"
    jq --exit-status "$2" <<<"$told" >/dev/null
}

begun() {
    if [[ $PATRONI_DCS == etcd3 ]]; then
        about patroni '.state | test("^(initializing|creating|running|starting|streaming|in archive recovery)")'
    else
        about cluster 'any(.members[]; .role == "leader")'
    fi
}

enable_and_start patroni.service reload
wait_for 600 "cluster that is made or led" begun
