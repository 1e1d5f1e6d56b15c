#!/usr/bin/env bash
# Starts the application. It is ready when it reaches a server that takes writes, through HAProxy.
. "${LABGEN_LIB:?}"

healthy() {
    curl --silent --show-error --fail --max-time 15 "$LIMAN_HEALTH"
}

enable_and_start liman.service
wait_for 300 "database behind HAProxy" healthy
