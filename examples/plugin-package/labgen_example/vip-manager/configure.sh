#!/usr/bin/env bash
# vip-manager's configuration and unit.
. "${LABGEN_LIB:?}"

place_files
