#!/usr/bin/env bash
# The script that moves the address, and its two callers: consul-template and a timer.
. "${LABGEN_LIB:?}"

place_files
