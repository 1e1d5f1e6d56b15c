#!/usr/bin/env bash
# Installs the packages that the file beside this script lists, a line each, with =VERSION where it has to be that one.
# It goes before all others, so that what needs one of them finds the right one.
. "${LABGEN_LIB:?}"

# missing PACKAGE…: says of each that cannot be had which versions there are.
missing() {
    local package name there
    for package; do
        name=${package%%=*}
        there=$(apt-cache madison "$name" | awk -F '|' '{ gsub(/ /, "", $2); print $2 }' | sort --unique | paste --serial -d ' ')
        case $package in
        *=*) [[ " $there " == *" ${package#*=} "* ]] ;;
        *) [[ $there ]] ;;
        esac || echo "there is no $package; Debian has ${there:-no package of that name}" >&2
    done
}

mapfile -t packages <"${BASH_SOURCE[0]%/*}/packages"
apt_install "${packages[@]}" || {
    missing "${packages[@]}"
    exit 1
}
