#!/usr/bin/env bash
# The connection to the local Consul agent, and the unit.
. "${LABGEN_LIB:?}"

place_files
