#!/usr/bin/env bash
# A node with Patroni is ready when it is the leader, or a replica that streams from the leader: on the first start the first
# node becomes the leader and the others copy it; later the leader may be anyone.
. "${LABGEN_LIB:?}"

api=http://$LABGEN_ADDRESS:8008

ask() {
    curl --silent --show-error --fail --max-time 10 "$@"
}

# about_cluster FILTER: what jq's FILTER finds in /cluster, where $name is this member; fails if that is nothing or false.
about_cluster() {
    ask "$api/cluster" | jq --exit-status --raw-output --arg name "$PATRONI_MEMBER" \
        --arg state "$PATRONI_REPLICA_STATE" --argjson lag "$PATRONI_LAG" "$1"
}

leader_api() {
    about_cluster '.members[] | select(.role == "leader").api_url | rtrimstr("/patroni")'
}

is_member() {
    about_cluster 'any(.members[]; .role == "leader") and any(.members[]; .name == $name)'
}

# next_round API: brings the timers in the DCS to the blueprint's values. Patroni also begins its next round at once when it is
# asked this, even if nothing changes; where its DCS is Consul, only the leader does.
next_round() {
    printf '{"ttl":%d,"loop_wait":%d,"retry_timeout":%d,"maximum_lag_on_failover":%d}' \
        "$PATRONI_TTL" "$PATRONI_LOOP_WAIT" "$PATRONI_RETRY_TIMEOUT" "$PATRONI_LAG" |
        ask --config /etc/patroni/rest-api.curl --request PATCH --data @- "$1/config"
}

set_timers() {
    local leader
    leader=$(leader_api) && next_round "$leader"
}

# streams LEADER: whether the leader's PostgreSQL sees this member stream.
streams() {
    ask "$1/patroni" | jq --exit-status --arg name "$PATRONI_MEMBER" \
        'any(.replication[]?; .application_name == $name and .state == "streaming")'
}

# known: whether that is also what this member last wrote to the DCS, which it does once a round.
known() {
    about_cluster 'any(.members[]; .name == $name and .state == $state and (.lag | numbers) <= $lag)'
}

in_place() {
    local leader
    leader=$(leader_api) || return
    if [[ $leader == "$api" ]]; then
        ask "$api/primary"
        return
    fi
    streams "$leader" || return
    if ! known; then
        if [[ $PATRONI_WAKE_LEADER && $PATRONI_DCS != consul ]]; then next_round "$api"; fi
        return 1
    fi
}

# choose_standby: the leader chooses its synchronous replica in one round and trusts it in the next. Whether it finds one
# is not this step's matter: there are tags that forbid it.
choose_standby() {
    local round
    for ((round = 0; round < 20; round++)); do
        if [[ $(leader_api) == "$api" ]] || about_cluster 'any(.members[]; .role == "sync_standby")'; then
            return
        fi
        set_timers || true
        sleep 0.2
    done
}

follow patroni.service
if [[ $PATRONI_WAKE_LEADER ]]; then
    wait_for 600 "member $PATRONI_MEMBER in a cluster with a leader" is_member
    wait_for 60 "answer from the leader's REST API" set_timers
fi
wait_for 600 "leader here, or replica streaming from it" in_place
if [[ $PATRONI_WAKE_LEADER && $PATRONI_SYNCHRONOUS ]]; then
    choose_standby &>/dev/null
fi
