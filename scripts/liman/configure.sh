#!/usr/bin/env bash
# The application, its environment and its unit.
. "${LABGEN_LIB:?}"

place_files
