#!/usr/bin/env bash
# consul-template's program and user.
. "${LABGEN_LIB:?}"

add_system_user consul-template /var/lib/consul-template
install_program consul-template
# One built against another system's C library would only be noticed when the service does not start.
consul-template -version >/dev/null 2>&1
