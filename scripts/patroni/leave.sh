#!/usr/bin/env bash
# The node is about to be removed: PostgreSQL is shut down in order, and Patroni tells the DCS.
. "${LABGEN_LIB:?}"

systemctl disable --now --quiet patroni.service
