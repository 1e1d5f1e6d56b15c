#!/usr/bin/env bash
# Puts the floating address into Consul and looks whether it is where it belongs: on the leader, and not elsewhere.
. "${LABGEN_LIB:?}"

# What consul-template knows: "LEADER ADDRESS/PREFIX".
wanted=/run/consul-template/floating-ip

ask() {
    curl --silent --show-error --fail --max-time 10 "$@"
}

in_place() {
    local leader held
    read -r leader _ <"$wanted" || return
    held=$(ip -oneline -4 address show to "$FLOATING_IP/32")
    if [[ $leader == "$FLOATING_IP_MEMBER" ]]; then
        [[ -n $held ]]
    else
        [[ -z $held ]]
    fi
}

key=http://127.0.0.1:8500/v1/kv/$FLOATING_IP_KEY
if [[ $(ask "$key?raw" 2>/dev/null || true) != "$FLOATING_IP/$LABGEN_PREFIX" ]]; then
    ask --output /dev/null --request PUT --data "$FLOATING_IP/$LABGEN_PREFIX" "$key"
fi
enable_and_start consul-template.service
enable_and_start floating-ip.timer
wait_for 600 "leader known to consul-template" test -s "$wanted"
wait_for 60 "floating IP on the leader, and only there" in_place
