#!/usr/bin/env bash
# PgBouncer's configuration, and the template from which consul-template names its server.
. "${LABGEN_LIB:?}"

place_files
