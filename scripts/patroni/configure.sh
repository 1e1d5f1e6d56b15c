#!/usr/bin/env bash
# Patroni's configuration, and patronictl's way to find it.
. "${LABGEN_LIB:?}"

place_files

if [[ $PATRONI_ARCHIVE ]]; then
    # The folder above it is PostgreSQL's, too: Patroni makes the one with the data there.
    install --directory --owner=postgres --group=postgres "${PATRONI_ARCHIVE%/*}"
    install --directory --owner=postgres --group=postgres --mode=0700 "$PATRONI_ARCHIVE"
fi

apply_sysctl /etc/sysctl.d/60-patroni.conf

# `patronictl` without options, for root and through sudo.
mkdir -p /root/.config/patroni
ln --symbolic --force --no-dereference /etc/patroni/config.yml /root/.config/patroni/patronictl.yaml
