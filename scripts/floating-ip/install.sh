#!/usr/bin/env bash
# The tool that announces an address to its neighbours.
. "${LABGEN_LIB:?}"

apt_install iproute2 iputils-arping curl
