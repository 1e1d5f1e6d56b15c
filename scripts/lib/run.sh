#!/usr/bin/env bash
# Runs one step on this machine: run.sh COMPONENT STAGE
#
# Everything lies in one tree, which this script finds from its own path:
#   components/COMPONENT/STAGE.sh   the step
#   node/COMPONENT/env, files/      this node's values and finished files (there are none in an image)
#   components/COMPONENT/version    the version that was chosen, if it is not the operating system's own
#   components/COMPONENT/suite      the suite of the system's archive that has it, if it is not the system's own
#   artefacts/                      programs that no package gives
#   state/                          what earlier steps left behind
set -Eeuo pipefail

if (($# != 2)); then
    echo "usage: run.sh COMPONENT install|configure|start|ready" >&2
    exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LABGEN_COMPONENT=$1 LABGEN_STAGE=$2
export LABGEN_LIB=$root/components/lib/lib.sh
export LABGEN_ARTEFACTS=$root/artefacts
export LABGEN_STATE=$root/state
export LC_ALL=C.UTF-8
script=$root/components/$LABGEN_COMPONENT/$LABGEN_STAGE.sh
if [[ ! -f $script ]]; then
    echo "run.sh: there is no step $LABGEN_COMPONENT/$LABGEN_STAGE" >&2
    exit 2
fi
mkdir -p "$LABGEN_STATE/units" "$LABGEN_STATE/$LABGEN_COMPONENT"

# A step whose connection was lost may still be running. The script inherits this lock, so it is held to its very end.
exec 9>"$LABGEN_STATE/$LABGEN_COMPONENT/lock"
if ! flock --nonblock 9; then
    echo "run.sh: an earlier $LABGEN_COMPONENT step is still running here; waiting for its end"
    flock 9
fi

LABGEN_VERSION='' LABGEN_SUITE=''
if [[ -f ${script%/*}/version ]]; then
    LABGEN_VERSION=$(<"${script%/*}/version")
fi
if [[ -f ${script%/*}/suite ]]; then
    LABGEN_SUITE=$(<"${script%/*}/suite")
fi
export LABGEN_VERSION LABGEN_SUITE

# An install step has no node: it gives the same result in an image as in a guest.
if [[ $LABGEN_STAGE != install ]]; then
    export LABGEN_FILES=$root/node/$LABGEN_COMPONENT/files
    set -a
    # shellcheck source=/dev/null
    . "$root/node/$LABGEN_COMPONENT/env"
    set +a
fi
if [[ -z ${LABGEN_OS:-} ]]; then
    # shellcheck source=/dev/null
    LABGEN_OS=$(cat /usr/lib/labgen/system 2> /dev/null || (. /etc/os-release && echo "$ID-${VERSION_ID:-$VERSION_CODENAME}"))
fi
export LABGEN_OS

cd /
exec bash "$script"
