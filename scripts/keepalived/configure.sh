#!/usr/bin/env bash
# keepalived's configuration.
. "${LABGEN_LIB:?}"

place_files
