#!/usr/bin/env bash
# docker.sh ROOTFS.tar TAG: a docker image that boots systemd from a root filesystem.
#
# An imported image cannot carry a stop signal: whoever runs it gives --stop-signal SIGRTMIN+3, systemd's orderly halt.
set -Eeuo pipefail
trap 'echo "docker.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

rootfs=${1:?usage: docker.sh ROOTFS.tar TAG} tag=${2:?usage: docker.sh ROOTFS.tar TAG}

# `container` tells systemd where it runs before it can look around.
docker import \
  --change 'CMD ["/sbin/init"]' \
  --change 'ENV container=docker' \
  --change 'LABEL labgen.image=true' \
  "$rootfs" "$tag"
