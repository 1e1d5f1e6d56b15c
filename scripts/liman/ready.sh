#!/usr/bin/env bash
# The application is ready when it reaches a server that takes writes, through HAProxy.
. "${LABGEN_LIB:?}"

healthy() {
    curl --silent --show-error --fail --max-time 15 "$LIMAN_HEALTH"
}

follow liman.service
wait_for 300 "database behind HAProxy" healthy
