#!/usr/bin/env bash
# There is nothing to build: Vagrant fetches the box that the Vagrantfile names.
set -Eeuo pipefail
case ${1:-} in
  '') ;;
  -h | --help)
    echo 'usage: ./prepare.sh   builds the images that the Vagrantfile names, unless they are there'
    exit 0
    ;;
  *)
    echo 'prepare.sh takes no arguments: ./prepare.sh --help says what it does' >&2
    exit 2
    ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")"
printf "The box %s is fetched by 'vagrant up': there is nothing to prepare.\n" vendor/debian-13
