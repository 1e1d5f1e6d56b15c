#!/usr/bin/env bash
# Starts keepalived. It is ready when the VIP is on exactly one node: on this one, and nobody else on the network answers
# for it, or on another that does.
. "${LABGEN_LIB:?}"

in_place() {
    local interface held others
    read -r _ interface _ < <(ip -oneline -4 address show to "$LABGEN_ADDRESS/32")
    # Where nobody answers, asking takes a second in which nothing is done: wait_for, which rests five times as long as a
    # question takes, would miss the moment by far. So this is several questions.
    for _ in {1..5}; do
        held=$(ip -oneline -4 address show to "$KEEPALIVED_VIP/32")
        # A question in nobody's name, as before an address is taken: it changes nothing in the neighbours' tables.
        others=$(arping -D -c 1 -w 1 -I "$interface" "$KEEPALIVED_VIP" | awk '/^Received/ { print $2 }')
        [[ $others != "$([[ $held ]] && echo 0 || echo 1)" ]] || return 0
    done
    echo "$KEEPALIVED_VIP is ${held:-not on this node}; ${others:-unknown} others answer for it"
    return 1
}

enable_and_start keepalived.service reload
wait_for 120 "node that alone has $KEEPALIVED_VIP" in_place
