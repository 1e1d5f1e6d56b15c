#!/usr/bin/env bash
# sources.sh SUITE: where this host's own apt would get the packages of SUITE from, as lines for a sources.list.
#
# Nothing is printed where the host's apt has no Debian mirror.
set -Eeuo pipefail

suite=${1:?usage: sources.sh SUITE}

# mirror LABEL: the archive that calls itself LABEL in its Release file; empty if the host has none.
# shellcheck disable=SC2016  # $(LABEL) and $(REPO_URI) are apt's, not the shell's
mirror() {
  apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == label && !seen++ { print $2 }'
}
archive=$(mirror Debian)
security=$(mirror Debian-Security)
if [[ $archive && $security ]]; then
  echo "deb $archive $suite main"
  echo "deb $archive $suite-updates main"
  echo "deb $security $suite-security main"
fi
