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

# forsaken: whether all members have been without data, and waiting for one that has some, for longer than a member that
# makes the cluster would go unnoticed. Whoever finds the DCS saying that the cluster was made waits for ever.
forsaken() {
    if about patroni '.role == "uninitialized" and .state == "stopped"' && about cluster 'all(.members[]; .state == "stopped")'; then
        ((SECONDS - since > 2 * PATRONI_LOOP_WAIT + 10))
    else
        since=$SECONDS
        return 1
    fi
}

decided() {
    begun || forsaken
}

since=$SECONDS
enable_and_start patroni.service reload
wait_for 600 "cluster that is made or led" decided
if forsaken &>/dev/null; then
    die "nobody leads, no member has any data, and the DCS says that the cluster was made before: the machines that had its" \
        "data are gone, and Patroni does not make it anew by itself. If nobody has the data any more: labgen destroy and up" \
        "make the lab again; patronictl remove on this node makes the DCS forget the cluster, and labgen up then an empty one"
fi
