#!/usr/bin/env bash
# HAProxy's configuration, and the kernel's leave to listen on an address that is elsewhere now.
. "${LABGEN_LIB:?}"

place_files
apply_sysctl /etc/sysctl.d/60-haproxy.conf
