#!/usr/bin/env bash
# Makes this machine ready for labgen, then boots a lab or runs the tests. What is there already is left alone, so a
# second run takes a moment. Packages come from this machine's own apt sources, Python packages by its own pip settings.
set -Eeuo pipefail
trap 'echo "setup.sh: line $LINENO: $BASH_COMMAND: exit $?" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$root/.venv
log=/var/log/labgen-setup.log
PATH=$PATH:/usr/sbin:/sbin # a root shell made by plain `su` lacks them

usage() {
  cat <<'TEXT'
usage: sudo ./setup.sh up LAB [OPTIONS]       prepare this machine, then `labgen up LAB [OPTIONS]`
       sudo ./setup.sh test [--quick|--all] [PYTEST OPTIONS]
                                              prepare this machine, then run the linters and the tests: with a real lab
                                              in containers; --quick without, --all in virtual machines too
       sudo ./setup.sh host [--provider P]    only prepare this machine

P is docker, libvirt or virtualbox; without it libvirt where KVM is usable, else docker.
TEXT
}

say() { printf '\033[2msetup: %s\033[0m\n' "$*" >&2; }

fail() { # WHAT CURE
  printf 'setup.sh: %s\n  next:  %s\n' "$1" "$2" >&2
  exit 3
}

# --- what this machine is ---------------------------------------------------------------------------------------------

os_release() { sed -n "s/^$1=\"\?\([^\"]*\)\"\?$/\1/p" /etc/os-release 2>/dev/null || true; } # KEY

release=$(os_release VERSION_ID)
release=${release:-99} # Debian testing has none

check_machine() {
  local id
  id=$(os_release ID)
  [[ $id == debian ]] || fail "this machine runs ${id:-no known system}, not Debian" \
    "use Debian 12 or 13, or install by hand what docs/troubleshooting.md lists"
  [[ $release -ge 12 ]] || fail "Debian $release is too old: its Python is" "use Debian 12 or 13"
  [[ $(dpkg --print-architecture) == amd64 ]] || fail "this machine is no amd64" \
    "use an amd64 machine: the programs that labgen feeds to its nodes are pinned for it"
  [[ $EUID == 0 ]] || fail "only root can install packages and build images" "sudo ./setup.sh $words"
}

check_python() {
  /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "labgen needs Python 3.11 or newer, /usr/bin/python3 is $(/usr/bin/python3 --version 2>&1 || true)" \
      "use Debian 12 or 13, with their own python3"
}

# --- packages ---------------------------------------------------------------------------------------------------------

missing=()

need() { # PACKAGE [PROGRAM]: note PACKAGE as missing, unless it is installed or PROGRAM is there from elsewhere
  if [[ ${2-} ]] && type -P "$2" >/dev/null; then return; fi
  # shellcheck disable=SC2016  # the braces are dpkg-query's
  [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null) == installed ]] || missing+=("$1")
}

need_provider() { # docker|libvirt|virtualbox
  need vagrant vagrant
  need openssh-client ssh
  case $1 in
    docker)
      need docker.io dockerd
      # Debian 13 has the command line in a package of its own.
      if [[ $release -ge 13 ]]; then need docker-cli docker; fi
      need mmdebstrap mmdebstrap
      need gpg gpg
      ;;
    libvirt)
      need vagrant-libvirt
      need libvirt-daemon-system libvirtd
      need libvirt-clients virsh
      need qemu-system-x86 qemu-system-x86_64
      need qemu-utils qemu-img
      need dnsmasq-base dnsmasq
      need dbus dbus-daemon
      need mmdebstrap mmdebstrap
      need gpg gpg
      need parted parted
      need extlinux extlinux
      need e2fsprogs mkfs.ext4
      ;;
    virtualbox)
      type -P VBoxManage >/dev/null || fail "VirtualBox is not installed, and Debian has no package of it" \
        "install it from its makers, or use --provider docker"
      ;;
    *) fail "no provider is called '$1'" "use docker, libvirt or virtualbox" ;;
  esac
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1; }

install_missing() {
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "installing ${missing[*]} (log: $log)"
  printf '\n%s: %s\n' "$(date --iso-8601=seconds)" "${missing[*]}" >>"$log"
  apt update || true # one broken source must not keep the others from serving
  if ! apt install --yes --no-install-recommends "${missing[@]}"; then
    grep -E '^(E|W|Err):?' "$log" | tail -n 8 | sed 's/^/  | /' >&2
    fail "apt could not install ${missing[*]}" \
      "see that 'apt-get update' works: Debian's main in the sources, and a network or mirror that answers"
  fi
  missing=()
}

# --- labgen itself ----------------------------------------------------------------------------------------------------

prepare_venv() { # [EXTRAS]
  local stamp=$venv/labgen.stamp lock=$root/requirements/${1:-run}.txt state
  state="$root $(readlink -f /usr/bin/python3) $(cat "$root/pyproject.toml" "$root"/requirements/{run,test}.txt | sha256sum)"
  # What the tests need includes what labgen needs.
  if grep -qxF -e "$state" -e "$state test" "$stamp" 2>/dev/null; then
    if [[ ! ${1-} ]] || grep -qxF "$state $1" "$stamp"; then return; fi
  fi
  say "installing labgen${1:+ and what its tests need} in .venv"
  /usr/bin/python3 -m venv --clear "$venv"
  # Files whose checksums are locked, and no build but labgen's own, by what is locked too.
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement "$lock" ||
    fail "pip could not install what ${lock#"$root"/} names" \
      "see that pip reaches an index (pip config list); sudo -E hands PIP_* and proxy variables on to it"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation \
    --editable "$root" || fail "pip could not install labgen itself" "read what it says above"
  echo "$state${1:+ $1}" >"$stamp"
}

link_labgen() { # so that `labgen` is a word that root's shell knows
  local link=/usr/local/bin/labgen
  if [[ ! -e $link ]]; then
    ln -sfn "$venv/bin/labgen" "$link"
  elif [[ $(readlink -f "$link") != $(readlink -f "$venv/bin/labgen") ]]; then
    say "$link is another labgen's: this one is $venv/bin/labgen"
  fi
}

# --- daemons ----------------------------------------------------------------------------------------------------------

wait_for() { # SECONDS COMMAND…
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

runs() { # PROGRAM: on this machine itself, not in one of its containers
  local process here
  here=$(readlink /proc/self/ns/pid)
  while read -r process; do
    if [[ $(readlink "${process%/comm}/ns/pid") == "$here" ]]; then return 0; fi
  done < <(grep -lsx "$1" /proc/[0-9]*/comm || true)
  return 1
}

by_hand() { # PROGRAM ARGUMENT…: start a daemon that outlives this script, where no service manager does
  # All of it away from this script's own output: a pipe there would not end before the daemon does.
  { runs "$(basename "$1")" || exec setsid "$@"; } </dev/null >>"/var/log/$(basename "$1").log" 2>&1 &
}

docker_answers() { docker version; }
libvirt_answers() { virsh --connect qemu:///system version --daemon; }

# A container with systemd takes some six inotify instances, and Debian gives root 128: three labs would be too many.
raise_limits() {
  local setting=fs.inotify.max_user_instances wanted=1024
  [[ $(</proc/sys/${setting//.//}) -ge $wanted ]] && return
  say "raising $setting to $wanted"
  mkdir -p /etc/sysctl.d
  echo "$setting = $wanted" >/etc/sysctl.d/60-labgen.conf
  # Where this machine is a container itself, only its host may do that.
  echo "$wanted" 2>/dev/null >"/proc/sys/${setting//.//}" || say "could not raise it: labs beyond the second may not boot"
}

start_docker() {
  raise_limits
  if docker_answers >/dev/null 2>&1; then return; fi
  [[ ! ${DOCKER_HOST-} ]] || fail "Docker at DOCKER_HOST does not answer" "start it there, or unset DOCKER_HOST"
  say 'starting dockerd'
  if [[ -d /run/systemd/system ]]; then
    systemctl start docker || true
  else
    # A file left by a container or machine that was cut off names a process that is another one now.
    runs dockerd || rm -f /run/docker.pid
    by_hand dockerd
  fi
  wait_for 60 docker_answers ||
    fail 'dockerd does not answer' "read why: journalctl -u docker, or /var/log/dockerd.log"
}

# udev gives /dev/kvm to the group kvm. Where none runs, QEMU's user may not open it, and libvirt, which as root may,
# examines QEMU anew for every call: seconds each.
open_kvm() {
  [[ -c /dev/kvm ]] && getent passwd libvirt-qemu >/dev/null || return 0
  runuser -u libvirt-qemu -- test -r /dev/kvm -a -w /dev/kvm && return
  say 'giving /dev/kvm to the group kvm'
  chgrp kvm /dev/kvm
  chmod 660 /dev/kvm
}

start_libvirt() {
  open_kvm
  if libvirt_answers >/dev/null 2>&1; then return; fi
  say 'starting libvirtd'
  if [[ -d /run/systemd/system ]]; then
    systemctl start libvirtd || true
  else
    mkdir -p /run/dbus
    runs dbus-daemon || rm -f /run/dbus/pid
    by_hand dbus-daemon --system --nofork
    wait_for 20 test -S /run/dbus/system_bus_socket || fail 'dbus-daemon does not answer' 'read /var/log/dbus-daemon.log'
    by_hand virtlogd
    by_hand libvirtd
  fi
  wait_for 60 libvirt_answers ||
    fail 'libvirtd does not answer' "read why: journalctl -u libvirtd, or /var/log/libvirtd.log"
}

# --- putting it together ----------------------------------------------------------------------------------------------

wished_provider() { # WORD…: what the command line or the environment names, if anything
  local found=${LABGEN_PROVIDER-}
  while [[ $# -gt 0 ]]; do
    case $1 in
      --provider) found=${2-} ;;
      --provider=*) found=${1#*=} ;;
    esac
    shift
  done
  echo "$found"
}

builds_programs() { # WORD…: whether the lab that they name has a program that no package of Debian's gives
  local manifest name word
  for manifest in "$root"/scripts/*/component.yml; do
    name=$(basename "${manifest%/*}")
    for word; do
      if grep -q '^ *kind: go$' "$manifest" && [[ $word == *versions.$name=* ]]; then return 0; fi
      if grep -q '^ *- kind: go$' "$manifest" && grep -qsw -e "$name" -- "$word" "$root/blueprints/$word.yml"; then return 0; fi
    done
  done
  return 1
}

releases_answer() { # whether all makers' sites that manifests name can be reached
  "$venv/bin/python" - "$root"/scripts/*/component.yml <<'PYTHON'
import re, sys, urllib.error, urllib.request
for site in sorted({site for file in sys.argv[1:] for site in re.findall(r"url: (https://[^/\s]+/)", open(file).read())}):
    try:
        urllib.request.urlopen(site, timeout=5).close()
    except urllib.error.HTTPError:
        pass  # it answers
    except OSError:
        sys.exit(1)
PYTHON
}

prepare_go() { # WORD…: a program is had from its makers, or built
  if type -P go >/dev/null || ! builds_programs "$@" || releases_answer; then return; fi
  [[ $release -ge 13 ]] || {
    say "no Go, and not all makers' sites can be reached; Debian $release's Go is too old: put one of 1.23 or later on PATH"
    return
  }
  need golang-go go
  install_missing
}

prepare() { # WORD…: all that a lab with these options needs
  local provider
  need python3-venv
  need ca-certificates
  provider=$(wished_provider "$@")
  if [[ ! $provider ]]; then
    # labgen itself knows which one it takes.
    install_missing
    check_python
    prepare_venv
    provider=$("$venv/bin/python" -c 'from labgen.providers import default_provider; print(default_provider())')
  fi
  need_provider "$provider"
  install_missing
  check_python
  prepare_venv
  prepare_go "$@"
  link_labgen
  case $provider in
    docker) start_docker ;;
    libvirt) start_libvirt ;;
  esac
}

run_tests() { # quick|docker|all PYTEST-OPTION…
  local tier=$1 rc folders=()
  shift
  need python3-venv
  need ca-certificates
  need shellcheck shellcheck
  need graphviz dot
  if [[ $tier != quick ]]; then
    need_provider docker
    need chromium chromium # a drill's page is looked at in it; --quick does without
  fi
  if [[ $tier == all ]]; then need_provider libvirt; fi
  install_missing
  check_python
  prepare_venv test
  if [[ $tier != quick ]]; then
    start_docker
    folders+=(tests/integration)
  fi
  if [[ $tier == all ]]; then
    start_libvirt
    folders+=(tests/acceptance)
  fi
  cd "$root"
  say 'ruff, mypy, shellcheck, import-linter'
  "$venv/bin/ruff" check .
  "$venv/bin/ruff" format --check labgen tests benchmarks scripts examples
  "$venv/bin/mypy"
  find scripts examples labgen findings tests/acceptance -name '*.sh' -print0 | xargs -0 shellcheck setup.sh .ci/run .ci/lock .ci/audit
  "$venv/bin/lint-imports" --no-cache >/dev/null || "$venv/bin/lint-imports" --no-cache
  # What needs no machine goes side by side, and is measured; labs have this machine's addresses, one test at a time.
  local quick=("$venv/bin/python" -m pytest --numprocesses=auto tests/unit tests/golden)
  say 'pytest tests/unit tests/golden'
  if [[ $tier == quick ]]; then exec "${quick[@]}" "$@"; fi
  rc=0
  "${quick[@]}" tests/packages --cov=labgen --cov-report= "$@" || rc=$?
  # With options that choose tests there may be none here.
  [[ $rc == 0 || $rc == 5 && $# -gt 0 ]] || return "$rc"
  "$venv/bin/python" -m coverage report --format=total | sed 's/^/setup: lines and branches covered by these, in per cent: /' >&2 || true
  say "pytest ${folders[*]}"
  exec "$venv/bin/python" -m pytest "${folders[@]}" "$@"
}

words=$*
case ${1-} in
  up)
    check_machine
    prepare "${@:2}"
    exec "$venv/bin/labgen" "$@"
    ;;
  host)
    check_machine
    prepare "${@:2}"
    say 'ready: labgen --help'
    ;;
  test)
    check_machine
    case ${2-} in
      --quick) run_tests quick "${@:3}" ;;
      --all) run_tests all "${@:3}" ;;
      *) run_tests docker "${@:2}" ;;
    esac
    ;;
  '' | help | -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
