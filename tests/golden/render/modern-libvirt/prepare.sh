#!/usr/bin/env bash
# Builds the images that the Vagrantfile names, unless this machine has them. Needs root, mmdebstrap and
# qemu-img, extlinux and parted; packages come from this machine's own apt mirror.
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
  vagrant box list | grep -qF "$1 "
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
  image/libvirt.sh "$rootfs" build/node.box
  vagrant box add --force --provider libvirt --name "$name" build/node.box
  rm -f build/node.box
  rm -f "$rootfs"
}

bake labgen/debian-13-consul:0123456789ab consul
bake labgen/debian-13-consul-postgresql-patroni-consul-template-floating-ip:0123456789ab consul postgresql patroni consul-template floating-ip
bake labgen/debian-13-consul-consul-template-pgbouncer:0123456789ab consul consul-template pgbouncer
