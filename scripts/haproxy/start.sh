#!/usr/bin/env bash
# Starts HAProxy, which says itself when it listens.
. "${LABGEN_LIB:?}"

enable_and_start haproxy.service reload
