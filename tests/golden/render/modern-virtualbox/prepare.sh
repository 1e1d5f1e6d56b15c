#!/usr/bin/env bash
# There is nothing to build: Vagrant fetches the box that the Vagrantfile names.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
printf "The box %s is fetched by 'vagrant up': there is nothing to prepare.\n" vendor/debian-13
