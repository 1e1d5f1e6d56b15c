# shellcheck shell=bash
# Sourced by the scripts beside: what is known of an operating system, from systems/NAME.conf.

# system NAME: sets TITLE, SUITE, POOLS, VALID_UNTIL, PYTHON and MACHINE_PACKAGES (docs/versions.md).
system() {
  local folder file known=()
  folder=$(dirname "${BASH_SOURCE[0]}")/systems
  if [[ ! -r $folder/$1.conf ]]; then
    for file in "$folder"/*.conf; do known+=("$(basename "$file" .conf)"); done
    echo "no operating system is called '$1'; there is: ${known[*]}" >&2
    return 2
  fi
  # shellcheck source=/dev/null
  . "$folder/$1.conf"
}

# system_in ROOT: the name of the operating system in a tree that rootfs.sh has made.
system_in() {
  cat "$1/usr/lib/labgen/system"
}
