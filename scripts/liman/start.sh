#!/usr/bin/env bash
# Starts the application, which waits for its database by itself.
. "${LABGEN_LIB:?}"

enable_and_start liman.service
