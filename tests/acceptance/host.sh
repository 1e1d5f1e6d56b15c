#!/usr/bin/env bash
# host.sh FOLDER: a Debian 13 host that runs docker and Vagrant, as Debian ships and sets them up.
#
# FOLDER gets its disk, its kernel, its initrd and the key of its root; what lies in FOLDER/root lies in root's home.
set -Eeuo pipefail

folder=${1:?usage: host.sh FOLDER}
image=$(dirname "${BASH_SOURCE[0]}")/../../scripts/image
tree=$folder/tree
trap 'rm -rf --one-file-system "$tree"' EXIT

packages=(
  systemd systemd-sysv udev dbus kmod procps linux-image-cloud-amd64 initramfs-tools zstd # a machine
  openssh-server iproute2 ca-certificates                                                 # a way in, and a network
  docker.io docker-cli iptables apparmor vagrant                                          # a host of labs
)
mapfile -t sources < <(bash "$image/sources.sh" debian-13)
mapfile -t options < <(apt-config dump Acquire | grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) ')
mmdebstrap --quiet --variant=minbase --mode=root --format=directory --include="$(IFS=,; echo "${packages[*]}")" \
  "${options[@]/#/--aptopt=}" --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  trixie "$tree" "${sources[@]}"

ssh-keygen -q -t ed25519 -N '' -C '' -f "$folder/key"
install -D -m 600 "$folder/key.pub" "$tree/root/.ssh/authorized_keys"
cp -a "$folder/root/." "$tree/root"
echo host >"$tree/etc/hostname"
echo '127.0.0.1 localhost host' >"$tree/etc/hosts"
echo '/dev/vda / ext4 noatime 0 0' >"$tree/etc/fstab"
printf '[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n' >"$tree/etc/systemd/network/10-outside.network"
: >"$tree/etc/machine-id"
systemctl --root "$tree" --quiet enable systemd-networkd.service
systemctl --root "$tree" --quiet mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer

cp --dereference "$tree/vmlinuz" "$folder/kernel"
cp --dereference "$tree/initrd.img" "$folder/initrd"
mke2fs -q -t ext4 -d "$tree" "$folder/disk" 8G
