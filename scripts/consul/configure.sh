#!/usr/bin/env bash
# The agent's configuration and unit.
. "${LABGEN_LIB:?}"

place_files
