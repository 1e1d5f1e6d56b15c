#!/usr/bin/env bash
# Starts consul-template. Whether its files are right is the matter of the components that asked for them.
. "${LABGEN_LIB:?}"

enable_and_start consul-template.service
