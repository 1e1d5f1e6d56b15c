#!/usr/bin/env bash
# Builds the image that the Vagrantfile names, unless this machine has them. Needs root, mmdebstrap and
# qemu-img, extlinux and parted; packages come from this machine's own apt mirror.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
printf "The box %s is fetched by 'vagrant up': there is nothing to prepare.\n" vendor/debian-13
