#!/usr/bin/env bash
# libvirt.sh DISK COMMAND…: runs COMMAND in the root filesystem on a box's disk, in which nothing changes.
#
# The disk is the one that libvirt.sh beside the image builder made: qcow2, one ext4 from 1 MiB on. What COMMAND writes is
# kept in memory; it has no network, and whatever it started ends with it.
set -Eeuo pipefail

disk=${1:?usage: libvirt.sh DISK COMMAND...}
shift
# All mounts, and the daemon below, go with these namespaces.
if [[ ${LABGEN_NAMESPACE:-} != 1 || $$ != 1 ]]; then
    LABGEN_NAMESPACE=1 exec unshare --mount --propagation private --net --pid --fork --kill-child \
        bash "$0" "$(realpath "$disk")" "$@"
fi
trap 'echo "libvirt.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

exec 3<"$disk" # it may lie below /mnt
mount -t tmpfs -o mode=700 tmpfs /mnt
cd /mnt
mkdir image root changes work
touch disk

# The disk as a file of raw blocks, without a copy.
qemu-storage-daemon --daemonize \
    --blockdev driver=file,node-name=file,filename=/proc/self/fd/3,read-only=on \
    --blockdev driver=qcow2,node-name=disk,file=file,read-only=on \
    --export type=fuse,id=disk,node-name=disk,mountpoint=/mnt/disk,writable=off
mount -o loop,offset=$((1024 * 1024)),ro,noload disk image
mount -t overlay -o lowerdir=image,upperdir=changes,workdir=work overlay root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs tmpfs root/run
mount -t tmpfs tmpfs root/tmp
exec 3<&-
exec chroot root env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
