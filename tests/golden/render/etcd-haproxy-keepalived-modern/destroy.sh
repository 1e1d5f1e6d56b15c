#!/usr/bin/env bash
# Removes this lab's machines and networks; the folder and the images stay.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
vagrant destroy --force
rm -rf .vagrant
