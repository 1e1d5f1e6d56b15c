#!/usr/bin/env bash
# etcd's settings.
. "${LABGEN_LIB:?}"

place_files
