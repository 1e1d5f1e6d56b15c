# shellcheck shell=bash
# Sourced by every finding. It asks the script for two functions: `prepare`, which fetches what the finding runs, and
# `finding`, which runs it and says with `see` what it saw; then `play` does both.
#
# `finding` runs as root in namespaces of its own: the only network is loopback, every process ends with the script.
# If `prepare` made a Debian tree, it is the root folder there. The working directory is $work, and it goes at the
# end.
set -Eeuo pipefail
trap 'code=$?; echo "$(basename "$0"): line $LINENO: exit $code" >&2' ERR

script=$(realpath "$0")
folder=$(dirname "$script")
limit=${FINDING_SECONDS:-300} # for `finding` alone; fetching has limits of its own

# --- outside: what `prepare` uses -------------------------------------------------------------------------------------

# debian RELEASE PACKAGE=VERSION…: unpacks packages, what they need and a few tools into $work/debian-RELEASE; configures
# and starts nothing. VERSION may end in a star. The packages come from where this host's apt has its own.
debian() {
  local os=debian-$1 sources suite
  local tools=bash,ca-certificates,coreutils,curl,dash,findutils,grep,libc-bin,mawk,procps,sed,util-linux
  shift
  sources=$(bash "$folder/../scripts/image/sources.sh" "$os")
  read -r _ _ suite _ <<<"$sources"
  timeout 300 mmdebstrap --quiet --mode=root --variant=extract --format=directory \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --include="$tools,$(IFS=,; echo "$*")" "$suite" "$work/$os" - <<<"$sources" 2>"$work/debian.log" ||
    { cat "$work/debian.log" >&2; return 1; }
  local dir
  for dir in bin sbin lib lib64; do # the merged /usr that base-files would make
    [[ -e $work/$os/$dir ]] || ln -s "usr/$dir" "$work/$os/$dir"
  done
  mkdir -p "$work/$os"/{proc,root,run,tmp,finding} "$work/$os/var/log"
  chmod 1777 "$work/$os/tmp" "$work/$os/finding"
  printf '%s\n' root:x:0:0::/root:/bin/bash postgres:x:5432:5432::/finding:/bin/bash nobody:x:65534:65534::/:/bin/sh \
    >"$work/$os/etc/passwd"
  printf '%s\n' root:x:0: postgres:x:5432: nogroup:x:65534: >"$work/$os/etc/group"
  printf '127.0.0.1 localhost\n' >"$work/$os/etc/hosts"
  mkdir -p "$work/$os/etc/ssl/certs" # Python's requests does not load without the file that ca-certificates makes
  find "$work/$os/usr/share/ca-certificates" -name '*.crt' -exec cat {} + \
    >"$work/$os/etc/ssl/certs/ca-certificates.crt"
  [[ -e $work/tree ]] || ln -s "$os" "$work/tree"
}

# python PACKAGE==VERSION…: into the virtual environment $work/venv, with the host's Python.
python() {
  python3 -m venv "$work/venv"
  timeout 300 "$work/venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

# tree_python VERSION PACKAGE==VERSION…: wheels for the Python VERSION of the Debian tree, into its /opt/python.
# Nothing that they depend on: that is Debian's, or named too.
tree_python() {
  local version=$1
  shift
  python3 -m venv "$work/pip"
  timeout 300 "$work/pip/bin/pip" install --quiet --disable-pip-version-check --target "$work/tree/opt/python" \
    --python-version "$version" --only-binary=:all: --no-deps "$@"
}

# go_program MODULE@VERSION: builds it into $work/bin.
go_program() {
  GOBIN=$work/bin GOPATH=$work/go GOCACHE=$work/go-cache GOFLAGS=-modcacherw CGO_ENABLED=0 timeout 900 go install "$1" \
    2>"$work/go.log" || { cat "$work/go.log" >&2; return 1; }
}

# --- inside: what `finding` uses --------------------------------------------------------------------------------------

# see REGEX TEXT: prints TEXT, and ends the script unless all of it matches (extended, one line or many).
see() {
  printf '%s\n' "$2"
  [[ $2 =~ $1 ]] && return
  printf 'CHANGED: this does not match: %s\n' "$1" >&2
  exit 1
}

# run COMMAND…: its output, both streams, and a last line `exit N`.
run() {
  local code=0
  "$@" 2>&1 || code=$?
  echo "exit $code"
}

# wait_for SECONDS COMMAND…: until COMMAND succeeds.
wait_for() {
  local tries=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || { echo "never came true: $*" >&2; tail -n 4 ./*.log >&2; exit 1; }
    sleep 0.2
  done
}

as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups env HOME=/finding "$@"; }

# --- both -------------------------------------------------------------------------------------------------------------

play() {
  if [[ ${FINDING_INSIDE:-} ]]; then
    finding
    return
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  prepare
  local root=/ inside=$work python_path=
  if [[ -e $work/tree ]]; then
    root=$work/tree inside=/finding python_path=/opt/python
    [[ ! -d $work/bin ]] || { mkdir -p "$work/tree/usr/local/bin" && cp -r "$work/bin/." "$work/tree/usr/local/bin/"; }
  fi
  cp "$script" "$work/finding.sh" && cp "$folder"/{lib,patroni}.sh "$work/"
  [[ $root == / ]] || cp "$work"/{finding,lib,patroni}.sh "$root/finding/"
  # shellcheck disable=SC2016  # expanded by the inner shell
  timeout --kill-after=5 "$limit" \
    unshare --net --mount --pid --fork --kill-child bash -Eeuo pipefail -c '
      ip link set lo up
      mount -t proc proc "$1/proc"
      [[ $1 == / ]] || mount --rbind /dev "$1/dev"
      exec chroot "$1" /usr/bin/env -i FINDING_INSIDE=1 work="$2" HOME="$2" LANG=C.UTF-8 PYTHONPATH="$3" \
        PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin:/opt/python/bin bash -c "cd \"\$work\" && exec bash finding.sh"
    ' - "$root" "$inside" "$python_path"
  echo "$(basename "$script"): as recorded"
}
