#!/usr/bin/env bash
# Builds the image that the Vagrantfile names, unless this machine has them. Needs root, mmdebstrap and
# docker; packages come from this machine's own apt mirror.
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
mkdir -p build artefacts

have() { # is there an image of this name?
  docker image inspect "$1" > /dev/null 2>&1
}

bake() { # NAME COMPONENT…
  local name=$1
  shift
  if have "$name"; then
    echo "$name is there"
    return
  fi
  local base=build/debian-13.tar rootfs=build/rootfs.tar
  if [[ ! -s $base ]]; then
    image/rootfs.sh debian-13 "$base.part"
    mv "$base.part" "$base"
  fi
  image/bake.sh "$base" "$rootfs" components artefacts debian-13 "$@"
  image/docker.sh "$rootfs" "$name"
  rm -f "$rootfs"
}

bake labgen/debian-13-etcd-postgresql-patroni-haproxy-keepalived:0123456789ab etcd postgresql patroni haproxy keepalived
