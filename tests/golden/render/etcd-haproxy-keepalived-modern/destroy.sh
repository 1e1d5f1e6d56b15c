#!/usr/bin/env bash
# Removes this lab's machines and networks; the folder and the images stay.
set -Eeuo pipefail
case ${1:-} in
  '') ;;
  -h | --help)
    echo 'usage: ./destroy.sh   removes the machines and networks of this lab; the folder and the images stay'
    exit 0
    ;;
  *)
    echo 'destroy.sh takes no arguments: ./destroy.sh --help says what it does' >&2
    exit 2
    ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")"
vagrant destroy --force
rm -rf .vagrant
