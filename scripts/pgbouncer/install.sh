#!/usr/bin/env bash
# PgBouncer, and psql to see whether it works.
. "${LABGEN_LIB:?}"

apt_install pgbouncer postgresql-client
leave_off pgbouncer.service postgresql.service
