# shellcheck shell=bash
# Sourced by bake.sh and libvirt.sh: where apt in a chroot gets packages from, and what becomes of those it downloads.
#
# All of it lies in /run, which is in memory, so the tree's own settings for apt stay as they are.

# shellcheck source=scripts/image/system.sh
. "$(dirname "${BASH_SOURCE[0]}")/system.sh"

apt_config=/run/labgen-apt/apt.conf

# dress_apt ROOT: once ROOT/run is mounted. The chosen packages alone (LABGEN_REPOSITORY), else this host's mirrors.
dress_apt() {
  local root=$1 place=$1/run/labgen-apt
  mkdir -p "$place/sources.list.d" "$place/repository" "$place/archives"
  : >"$root$apt_config"
  if [[ ${LABGEN_REPOSITORY:-} ]]; then
    mount --bind "$LABGEN_REPOSITORY" "$place/repository"
    echo 'deb [trusted=yes] file:/run/labgen-apt/repository ./' >"$place/sources.list"
  else
    foreign_sources "$root" >"$place/sources.list"
  fi
  if [[ -s $place/sources.list ]]; then
    printf 'Dir::Etc::SourceList "%s";\nDir::Etc::SourceParts "%s";\n' \
      /run/labgen-apt/sources.list /run/labgen-apt/sources.list.d >>"$root$apt_config"
    # The lists in the tree are those of its own sources.
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin APT_CONFIG="$apt_config" apt-get update -qq
  fi
  if [[ ${LABGEN_HARVEST:-} ]]; then
    mkdir -p "$LABGEN_HARVEST/partial"
    mount --bind "$LABGEN_HARVEST" "$place/archives"
    echo 'Dir::Cache::Archives "/run/labgen-apt/archives";' >>"$root$apt_config"
  fi
}

# foreign_sources ROOT: this host's sources, unless ROOT names the same mirrors: a tree may come from another host.
foreign_sources() {
  local sources address
  sources=$(bash "$(dirname "${BASH_SOURCE[0]}")/sources.sh" "$(system_in "$1")")
  while read -r _ address _; do
    if [[ $address ]] && ! grep -rqsF -- "$address" "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d"; then
      echo "$sources"
      return
    fi
  done <<<"$sources"
}

# undress_apt ROOT: after the last package; writes down what ROOT has.
undress_apt() {
  local root=$1 place=$1/run/labgen-apt mounted
  if [[ ${LABGEN_HARVEST:-} ]]; then
    # shellcheck disable=SC2016  # ${Package} and the like are dpkg's
    chroot "$root" dpkg-query -Wf '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' |
      sed -n 's/^installed //p' >"$LABGEN_HARVEST/packages"
    rm -rf "$place/archives/partial" "$place/archives/lock"
  fi
  for mounted in "$place/archives" "$place/repository"; do
    if mountpoint -q "$mounted"; then umount "$mounted"; fi
  done
}
