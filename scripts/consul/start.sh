#!/usr/bin/env bash
# Starts the agent. A server is ready when Raft has a leader and the server itself votes, a client when it reaches a
# server that knows the leader.
. "${LABGEN_LIB:?}"

api=http://127.0.0.1:8500/v1

# An agent that finds nobody to join rests for retry_interval, so a client comes when there is somebody.
server_listens() {
    local server
    for server in $CONSUL_SERVERS; do
        : <>"/dev/tcp/$server/8301" && return
    done 2>/dev/null
    return 1
}

raft_has_leader() {
    [[ $(curl --silent --show-error --fail --max-time 10 "$api/status/leader") == *:* ]]
}

votes() {
    curl --silent --show-error --fail --max-time 10 "$api/operator/raft/configuration" |
        jq --exit-status --arg name "$CONSUL_NODE_NAME" 'any(.Servers[]; .Node == $name and .Voter)'
}

if [[ $CONSUL_ROLE == client ]]; then
    wait_for 300 "Consul server" server_listens
fi
enable_and_start consul.service
wait_for 300 "Raft leader" raft_has_leader
if [[ $CONSUL_ROLE == server ]]; then
    wait_for 300 "vote of this server in Raft" votes
fi
