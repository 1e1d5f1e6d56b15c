#!/usr/bin/env bash
# What the stand-in needs, and the user it runs as.
. "${LABGEN_LIB:?}"

apt_install python3 python3-psycopg2 curl
add_system_user liman /var/lib/liman
