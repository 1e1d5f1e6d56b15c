#!/usr/bin/env bash
# Installs the packages that the file beside this script lists, a line each, with =VERSION where it has to be that one.
# It goes before all others, so that what needs one of them finds the right one.
. "${LABGEN_LIB:?}"

mapfile -t packages <"${BASH_SOURCE[0]%/*}/packages"
apt_install "${packages[@]}"
