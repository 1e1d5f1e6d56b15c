#!/usr/bin/env bash
# Puts the user's files in place.
. "${LABGEN_LIB:?}"

place_files
