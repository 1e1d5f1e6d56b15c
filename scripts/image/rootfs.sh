#!/usr/bin/env bash
# rootfs.sh OS OUT.tar: a Debian root filesystem that boots as a container or, with a kernel added, as a machine.
#
# It holds systemd, an SSH server, the user `vagrant` with sudo, and what the components' scripts take for granted.
# It holds no key, no password, no host key and no machine id: labgen-firstboot (below) makes those when a node boots.
#
# LABGEN_REPOSITORY: a folder that is an apt repository; then packages come from there alone. LABGEN_HARVEST: a folder
# that gets the packages which were downloaded, and in the file `packages` what the tree has.
set -Eeuo pipefail
trap 'echo "rootfs.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

os=${1:?usage: rootfs.sh OS OUT.tar} out=${2:?usage: rootfs.sh OS OUT.tar}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/image/system.sh
. "$here/system.sh"
system "$os"

packages=(
  systemd systemd-sysv udev dbus kmod procps    # a system that boots
  openssh-server sudo                           # a way in
  iproute2 iputils-ping iputils-arping          # networking, and the gratuitous ARP of a floating IP
  ca-certificates curl netbase                  # talking to the outside and to REST interfaces
)

work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT

# --- where packages come from: the mirrors this host's own apt uses ---------------------------------------------------

# The host's own (none: mmdebstrap knows the suite's usual mirrors), or the packages that were chosen beforehand.
bash "$here/sources.sh" "$os" >"$work/sources.list"
mapfile -t sources <"$work/sources.list"
[[ ! ${LABGEN_REPOSITORY:-} ]] || sources=("deb [trusted=yes] copy:${LABGEN_REPOSITORY// /%20} ./")

# The guest's apt sees the world as the host's does: the same proxy, the same leniency about dates.
apt_options=()
while read -r option; do
  apt_options+=("--aptopt=$option")
done < <(apt-config dump Acquire | grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) ' || true)
# Where a suite's Release file is past its date, as an archived one's is, its signature is still checked.
[[ $VALID_UNTIL == checked ]] || apt_options+=('--aptopt=Acquire::Check-Valid-Until "false";')

# --- what labgen adds to the tree -------------------------------------------------------------------------------------

tree=$work/tree
add() {  # add MODE PATH: the file PATH of the tree, from standard input
  install -D -m "$1" /dev/stdin "$tree$2"
}

add 644 /usr/lib/labgen/system <<<"$os"   # in blueprints' words: testing suites have no number in /etc/os-release

add 755 /usr/lib/labgen/firstboot <<'SH'
#!/bin/sh
# Tells the node who it is and lets the lab's key in; runs at every boot, before the network and before sshd.
# A container gets its name and address from the container engine, a machine gets them from QEMU's fw_cfg.
set -eu

fw_cfg=/sys/firmware/qemu_fw_cfg/by_name/opt/labgen
given() { if [ -r "$fw_cfg/$1/raw" ]; then cat "$fw_cfg/$1/raw"; fi; }   # given NAME: a value, or nothing

if systemd-detect-virt --quiet --container; then
  key=$(tr '\0' '\n' </proc/1/environ | sed -n 's/^LABGEN_AUTHORIZED_KEY=//p')
else
  modprobe -q qemu_fw_cfg || true
  key=$(given authorized_key) name=$(given hostname) address=$(given address)
  if [ -n "$name" ]; then
    printf '%s\n' "$name" >/etc/hostname
    hostname "$name"
    printf '127.0.0.1 localhost\n::1 localhost\n%s %s\n' "${address%/*}" "$name" >/etc/hosts
  fi
  if [ -n "$address" ]; then
    mkdir -p /run/systemd/network
    printf '[Match]\nName=eth1\n\n[Network]\nAddress=%s\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' "$address" \
      >/run/systemd/network/20-lab.network
  fi
fi

if [ -n "$key" ]; then
  install -d -o vagrant -g vagrant -m 700 /home/vagrant/.ssh
  printf '%s\n' "$key" | install -o vagrant -g vagrant -m 600 /dev/stdin /home/vagrant/.ssh/authorized_keys
fi

host_key=/etc/ssh/ssh_host_ed25519_key
[ -s "$host_key" ] || ssh-keygen -q -t ed25519 -N '' -C '' -f "$host_key"
SH

add 644 /usr/lib/systemd/system/labgen-firstboot.service <<'UNIT'
[Unit]
Description=This node's name, address and keys
DefaultDependencies=no
Wants=network-pre.target
After=local-fs.target systemd-remount-fs.service
Before=network-pre.target ssh.service ssh.socket shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/labgen/firstboot

[Install]
WantedBy=multi-user.target
UNIT

add 644 /etc/ssh/sshd_config.d/labgen.conf <<'CONF'
# Keys only, and only through the management user. One host key: the others take seconds to make in an emulated machine.
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 100
MaxSessions 100
CONF

add 440 /etc/sudoers.d/vagrant <<'CONF'
vagrant ALL=(ALL:ALL) NOPASSWD: ALL
# Debian 14 has left /usr/local out, where programs stand that no package gives.
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONF

# Logs live in memory: a lab's nodes are short-lived, and journald would flush and rotate on their disks.
add 644 /etc/systemd/journald.conf.d/labgen.conf <<'CONF'
[Journal]
Storage=volatile
RuntimeMaxUse=32M
CONF

# A unit that does not stop is killed soon: `vagrant halt` should not hang on it.
add 644 /etc/systemd/system.conf.d/labgen.conf <<'CONF'
[Manager]
DefaultTimeoutStopSec=20s
CONF

add 644 /etc/apt/apt.conf.d/90labgen <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF

# No manuals and translations, and no flushing of each file to a disk; mmdebstrap leaves these in the tree for later.
dpkg_options=(
  force-unsafe-io
  'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright'
  'path-exclude=/usr/share/info/*' 'path-exclude=/usr/share/lintian/*'
  'path-exclude=/usr/share/locale/*' 'path-exclude=/usr/share/man/*'
)

# --- units that fail in a container, or that only cost time -----------------------------------------------------------

masked=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  man-db.timer logrotate.timer systemd-tmpfiles-clean.timer systemd-timesyncd.service
  systemd-firstboot.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
  systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-machine-id-commit.service
  ldconfig.service systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-update-done.service
)

customize() { printf -- '--customize-hook=%s\n' "$1"; }
mapfile -t hooks < <(
  # shellcheck disable=SC2016  # $1 is the tree, filled in by mmdebstrap; ${Package} and the like are dpkg's
  {
    if [[ ${LABGEN_HARVEST:-} ]]; then
      customize "find \"\$1/var/cache/apt/archives\" -maxdepth 1 -name '*.deb' -exec cp -t '$LABGEN_HARVEST' {} +"
      customize 'chroot "$1" dpkg-query -Wf '\''${Package} ${Version} ${Architecture}\n'\'" >'$LABGEN_HARVEST/packages'"
    fi
    if [[ ${LABGEN_REPOSITORY:-} ]]; then   # a node is to know the host's mirrors, and no folder of this machine
      customize "cp '$work/sources.list' \"\$1/etc/apt/sources.list\"; rm -f \"\$1\"/etc/apt/sources.list.d/*"
    fi
    customize 'chroot "$1" useradd --create-home --shell /bin/bash vagrant'   # its password stays locked
    customize 'chroot "$1" systemctl enable --quiet labgen-firstboot.service'
    customize 'chroot "$1" systemctl mask --quiet '"${masked[*]}"
    customize 'chroot "$1" systemctl set-default --quiet multi-user.target'
    customize 'rm -f "$1"/etc/ssh/ssh_host_*_key "$1"/etc/ssh/ssh_host_*_key.pub'
    customize ': >"$1/etc/machine-id"; rm -f "$1/var/lib/dbus/machine-id" "$1/etc/hostname" "$1/etc/resolv.conf"'
  }
)

mmdebstrap --variant=minbase --mode=root --format=tar --skip=cleanup/apt/lists,essential/unlink \
  --include="$(IFS=,; echo "${packages[*]}")" \
  "${dpkg_options[@]/#/--dpkgopt=}" \
  "${apt_options[@]}" \
  --essential-hook="tar -C '$tree' -c . | tar -C \"\$1\" -x --keep-directory-symlink --no-same-owner" \
  "${hooks[@]}" \
  "$SUITE" "$work/rootfs.tar" "${sources[@]}"
mv "$work/rootfs.tar" "$out"
