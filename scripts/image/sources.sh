#!/usr/bin/env bash
# sources.sh OS: where this host's own apt would get the packages of OS from, as lines for a sources.list.
#
# Nothing is printed where the host's apt has no Debian mirror.
set -Eeuo pipefail

os=${1:?usage: sources.sh OS}
# shellcheck source=scripts/image/system.sh
. "$(dirname "${BASH_SOURCE[0]}")/system.sh"
system "$os"

# mirror LABEL: the archive that calls itself LABEL in its Release file; empty if the host has none.
# shellcheck disable=SC2016  # $(LABEL) and $(REPO_URI) are apt's, not the shell's
mirror() {
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == label && !seen++ { print $2 }'
}
archive=$(mirror Debian)
security=$(mirror Debian-Security)
[[ $archive && ($security || " $POOLS " != *" security "*) ]] || exit 0
echo "deb $archive $SUITE main"
for pool in $POOLS; do
  case $pool in
    security) echo "deb $security $SUITE-security main" ;;
    *) echo "deb $archive $SUITE-$pool main" ;;
  esac
done
