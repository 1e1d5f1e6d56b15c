#!/usr/bin/env bash
# vip-manager with a user of its own, and what asks whether the address is in place.
. "${LABGEN_LIB:?}"

apt_install vip-manager2 iproute2 curl postgresql-client
leave_off vip-manager.service
add_system_user vip-manager /nonexistent
