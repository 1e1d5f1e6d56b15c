#!/usr/bin/env bash
# bake.sh BASE.tar OUT.tar COMPONENTS_DIR ARTEFACTS_DIR OS COMPONENT...: a root filesystem with components installed.
#
# The components' own install steps run in a chroot, at this machine's speed. COMPONENTS_DIR holds lib/ and a folder for
# each component, as on a node. Nothing is started: lib.sh and the policy-rc.d below see to that.
#
# LABGEN_REPOSITORY: a folder that is an apt repository; then packages come from there alone. LABGEN_HARVEST: a folder
# that gets the packages which were downloaded, and in the file `packages` what the finished tree has.
set -Eeuo pipefail

usage="usage: bake.sh BASE.tar OUT.tar COMPONENTS_DIR ARTEFACTS_DIR OS COMPONENT..."
base=${1:?$usage} out=${2:?$usage} components_dir=${3:?$usage} artefacts_dir=${4:?$usage} os=${5:?$usage}
shift 5
components=("${@:?$usage}")

# In a mount namespace of its own, whatever ends this script also ends its mounts.
if [[ ${LABGEN_NAMESPACE:-} != "$$" ]]; then
  LABGEN_NAMESPACE=$$ exec unshare --mount --propagation private \
    bash "$0" "$base" "$out" "$components_dir" "$artefacts_dir" "$os" "${components[@]}"
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/image/apt.sh
. "$here/apt.sh"
trap 'echo "bake.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

work=$(mktemp -d "$out.XXXXXX")
root=$work/root
clean_up() {
  umount --recursive --lazy "$root/"{proc,sys,dev,run,tmp} 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

mkdir "$root"
tar -C "$root" -x --numeric-owner --xattrs --xattrs-include='*' -f "$base"

# --- dress the tree as a machine --------------------------------------------------------------------------------------

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

dress_apt "$root"

lab=$root/opt/labgen
install -d -m 700 "$lab" "$lab/components" "$lab/artefacts"
cp -a "$components_dir/lib" "$lab/components/"
for component in "${components[@]}"; do
  cp -a "$components_dir/$component" "$lab/components/"
done
cp -a "$artefacts_dir/." "$lab/artefacts/"

# --- install ----------------------------------------------------------------------------------------------------------

for component in "${components[@]}"; do
  echo "=== $component"
  chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    DEBIAN_FRONTEND=noninteractive APT_CONFIG="$apt_config" LABGEN_OS="$os" \
    bash /opt/labgen/components/lib/run.sh "$component" install
done

# --- undress it again, and leave nothing that a node makes for itself -------------------------------------------------

undress_apt "$root"
rm -rf "$lab/components" "$lab/artefacts"
rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf" "$root/etc/hostname" "$root"/etc/ssh/ssh_host_*_key*
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/log/apt/*
: >"$root/etc/machine-id"
umount --recursive --lazy "$root/"{proc,sys,dev,run,tmp}

tar -C "$root" -c --numeric-owner --one-file-system --xattrs --xattrs-include='*' -f "$work/rootfs.tar" .
mv "$work/rootfs.tar" "$out"
