#!/usr/bin/env bash
# The node is about to be removed: the agent says goodbye, so that the others do not take it for one that failed.
. "${LABGEN_LIB:?}"

if systemctl is-active --quiet consul.service; then
    consul leave
fi
systemctl disable --now --quiet consul.service
