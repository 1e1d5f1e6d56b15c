#!/usr/bin/env bash
# Consul's program and user; curl and jq for asking its HTTP API.
. "${LABGEN_LIB:?}"

apt_install curl jq
add_system_user consul /var/lib/consul
install_program consul
# One built against another system's C library would only be noticed when the service does not start.
consul version >/dev/null
