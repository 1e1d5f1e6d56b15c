#!/usr/bin/env bash
# Starts vip-manager. It is ready when the address is where it belongs, and PostgreSQL answers there.
. "${LABGEN_LIB:?}"

enable_and_start vip-manager.service
wait_for 120 "address on the leader, and only there" vip-in-place
