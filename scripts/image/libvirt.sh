#!/usr/bin/env bash
# libvirt.sh ROOTFS.tar OUT.box: a Vagrant box for libvirt with a disk that boots by itself.
#
# The disk is the plainest there is: an msdos partition table, one ext4 from 1 MiB on, Debian's cloud kernel, extlinux.
# Who the machine is comes from QEMU's fw_cfg at boot, see labgen-firstboot in rootfs.sh.
# LABGEN_REPOSITORY and LABGEN_HARVEST are as in bake.sh.
set -Eeuo pipefail

rootfs=${1:?usage: libvirt.sh ROOTFS.tar OUT.box} box=${2:?usage: libvirt.sh ROOTFS.tar OUT.box}

# In a mount namespace of its own, whatever ends this script also ends its mounts, and with them the loop device.
if [[ ${LABGEN_NAMESPACE:-} != "$$" ]]; then
  LABGEN_NAMESPACE=$$ exec unshare --mount --propagation private bash "$0" "$rootfs" "$box"
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/image/apt.sh
. "$here/apt.sh"
trap 'echo "libvirt.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

size_gb=10                    # as the guest sees it; the file holds only what is written
start=$((1024 * 1024))        # of the file system: where every partitioning tool puts the first one
label=labgen

work=$(mktemp -d "$box.XXXXXX")
disk=$work/disk.raw root=$work/root
clean_up() {
  if mountpoint -q "$root"; then umount --recursive "$root"; fi
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

# --- an empty disk, mounted -------------------------------------------------------------------------------------------

truncate --size "${size_gb}G" "$disk"
parted --script "$disk" mklabel msdos mkpart primary ext4 "${start}B" 100% set 1 boot on
mkfs.ext4 -q -L "$label" -O '^64bit' -E offset="$start",lazy_itable_init=0,lazy_journal_init=0 "$disk" \
  "$(((size_gb << 20) - start / 1024))k"
mkdir "$root"
mount -o loop,offset="$start",discard,noatime "$disk" "$root"
tar -C "$root" -x --numeric-owner --xattrs --xattrs-include='*' -f "$rootfs"

# --- a kernel, and the network of a machine ---------------------------------------------------------------------------

for fs in proc sys dev; do
  mount --rbind --make-rslave "/$fs" "$root/$fs"
done
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/var/cache/apt/archives"   # packages fetched here never touch the disk
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"   # nothing starts in a chroot
chmod 755 "$root/usr/sbin/policy-rc.d"

# The initramfs only has to find the disk: ext4 is in the kernel.
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/labgen" <<'CONF'
MODULES=list
BUSYBOX=n
COMPRESS=lz4
CONF
printf '%s\n' virtio_pci virtio_blk ext4 >"$root/etc/initramfs-tools/modules"

system "$(system_in "$root")"
dress_apt "$root"
in_root() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
    APT_CONFIG="$apt_config" "$@"
}
in_root apt-get update -qq
in_root apt-get install -y -qq --no-install-recommends initramfs-tools lz4
# A mirror may have dropped a kernel that the security suite still lists: then the release's own will do.
in_root apt-get install -y -qq --no-install-recommends linux-image-cloud-amd64 ||
  in_root apt-get install -y -qq --no-install-recommends "linux-image-cloud-amd64/$SUITE"
# Last, for systemd-resolved takes /etc/resolv.conf away, by which this chroot finds the mirrors.
read -ra packages <<<"$MACHINE_PACKAGES"
[[ ! ${packages[*]} ]] || in_root apt-get install -y -qq --no-install-recommends "${packages[@]}"

cat >"$root/etc/fstab" <<CONF
LABEL=$label / ext4 noatime,commit=30 0 0
CONF
cat >"$root/etc/systemd/network/10-management.network" <<'CONF'
[Match]
Name=eth0

[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no

[DHCPv4]
UseHostname=no
CONF
# The name server that the management network's DHCP names; nothing is multicast to the lab.
install -D -m 644 /dev/stdin "$root/etc/systemd/resolved.conf.d/labgen.conf" <<'CONF'
[Resolve]
DNSSEC=no
LLMNR=no
MulticastDNS=no
CONF
in_root systemctl enable --quiet systemd-networkd.service systemd-resolved.service
# Emulated, each unit and each kernel module costs a fraction of a second: leave out what no lab looks at.
unused=(
  systemd-networkd-wait-online.service getty@tty1.service serial-getty@ttyS0.service
  modprobe@{configfs,dm_mod,drm,efi_pstore,fuse,loop}.service kmod-static-nodes.service
  dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount
  sys-kernel-{config,debug,tracing}.mount proc-sys-fs-binfmt_misc.automount
  systemd-udev-load-credentials.service systemd-network-generator.service systemd-pstore.service
)
in_root systemctl mask --quiet "${unused[@]}"
printf 'blacklist %s\n' ata_piix ata_generic bochs drm floppy i2c_piix4 kvm kvm_amd kvm_intel pcspkr powernow_k8 \
  psmouse sr_mod >"$root/etc/modprobe.d/labgen.conf"
cat >"$root/etc/sysctl.d/60-labgen.conf" <<'CONF'
# A service may bind the floating address before it is here; anybody may ping.
net.ipv4.ip_nonlocal_bind = 1
net.ipv4.ping_group_range = 0 2147483647
CONF

# --- the boot loader --------------------------------------------------------------------------------------------------

kernel=$(basename "$root"/boot/vmlinuz-*) initrd=$(basename "$root"/boot/initrd.img-*)
mkdir -p "$root/boot/extlinux"
cat >"$root/boot/extlinux/extlinux.conf" <<CONF
default labgen
prompt 0
timeout 0
label labgen
  kernel /boot/$kernel
  initrd /boot/$initrd
  append root=LABEL=$label ro quiet net.ifnames=0 console=tty0 console=ttyS0 mitigations=off random.trust_cpu=on
CONF
extlinux --install "$root/boot/extlinux" >/dev/null
dd if=/usr/lib/EXTLINUX/mbr.bin of="$disk" bs=440 count=1 conv=notrunc status=none

undress_apt "$root"
rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
ln -s ../run/systemd/resolve/resolv.conf "$root/etc/resolv.conf"
umount --recursive "$root"

# --- the box ----------------------------------------------------------------------------------------------------------

qemu-img convert -f raw -O qcow2 "$disk" "$work/box.img"
printf '{"provider": "libvirt", "format": "qcow2", "virtual_size": %s}\n' "$size_gb" >"$work/metadata.json"
# The image was made here a moment ago: compressing it would cost more than it saves.
tar -C "$work" -cf "$work/done.box" metadata.json box.img
mv "$work/done.box" "$box"
