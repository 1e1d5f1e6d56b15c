#!/usr/bin/env bash
# Sends every node its folder and runs the steps, each after those it needs, over `vagrant ssh-config`.
# A second run finds everything done. To run one step by hand, on its node, as root:
#   bash /opt/labgen/components/lib/run.sh COMPONENT STAGE
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p build
vagrant ssh-config > build/ssh-config

on() { # NODE COMMAND…: as root on the node
  local node=$1
  shift
  ssh -F build/ssh-config -o LogLevel=ERROR "$node" sudo "$@"
}

send() { # NODE COMPONENT…: the scripts of its components and its own files, to /opt/labgen
  local node=$1
  shift
  tar -c --owner=0 --group=0 --numeric-owner components/lib "${@/#/components/}" \
    --transform "s,^nodes/$node,node," "nodes/$node"  |
    on "$node" bash -c "'install -d -m 0700 /opt/labgen && tar -x --no-same-permissions -C /opt/labgen -f -'"
}

step() { # NODE COMPONENT STAGE [STEP…]: in the background, as soon as those other steps are done
  (
    for other in "${@:4}"; do
      until [[ -e build/done/$other ]]; do
        [[ ! -e build/failed ]] || exit 1
        sleep 0.2
      done
    done
    if ! on "$1" bash /opt/labgen/components/lib/run.sh "$2" "$3" < /dev/null > "build/done/$1-$2-$3.log" 2>&1; then
      touch build/failed
      cat "build/done/$1-$2-$3.log" >&2
      echo "failed: $1 $2 $3" >&2
      exit 1
    fi
    touch "build/done/$1-$2-$3"
    printf '%s: %s %s\n' "$1" "$2" "$3"
  ) &
}

rm -rf build/done build/failed
mkdir -p build/done

send postgresql-patroni01 etcd postgresql patroni haproxy keepalived
send postgresql-patroni02 etcd postgresql patroni haproxy keepalived
send postgresql-patroni03 etcd postgresql patroni haproxy keepalived

# Each step, and what it waits for. Some must run at the same time: three Consul servers elect a leader together.
step postgresql-patroni01 etcd configure
step postgresql-patroni02 etcd configure
step postgresql-patroni03 etcd configure
step postgresql-patroni01 patroni configure
step postgresql-patroni02 patroni configure
step postgresql-patroni03 patroni configure
step postgresql-patroni01 haproxy configure
step postgresql-patroni02 haproxy configure
step postgresql-patroni03 haproxy configure
step postgresql-patroni01 keepalived configure
step postgresql-patroni01 etcd start postgresql-patroni01-etcd-configure
step postgresql-patroni02 keepalived configure
step postgresql-patroni02 etcd start postgresql-patroni02-etcd-configure
step postgresql-patroni03 keepalived configure
step postgresql-patroni03 etcd start postgresql-patroni03-etcd-configure
step postgresql-patroni01 haproxy start postgresql-patroni01-haproxy-configure postgresql-patroni01-keepalived-configure
step postgresql-patroni02 haproxy start postgresql-patroni02-haproxy-configure postgresql-patroni02-keepalived-configure
step postgresql-patroni03 haproxy start postgresql-patroni03-haproxy-configure postgresql-patroni03-keepalived-configure
step postgresql-patroni01 patroni start postgresql-patroni01-etcd-start postgresql-patroni01-patroni-configure postgresql-patroni02-etcd-start postgresql-patroni03-etcd-start
step postgresql-patroni01 keepalived start postgresql-patroni01-haproxy-start
step postgresql-patroni02 keepalived start postgresql-patroni02-haproxy-start
step postgresql-patroni03 keepalived start postgresql-patroni03-haproxy-start
step postgresql-patroni01 patroni ready postgresql-patroni01-patroni-start
step postgresql-patroni02 patroni start postgresql-patroni01-patroni-start postgresql-patroni02-patroni-configure
step postgresql-patroni03 patroni start postgresql-patroni01-patroni-start postgresql-patroni03-patroni-configure
step postgresql-patroni02 patroni ready postgresql-patroni02-patroni-start
step postgresql-patroni03 patroni ready postgresql-patroni03-patroni-start
step postgresql-patroni01 haproxy ready postgresql-patroni01-haproxy-start postgresql-patroni01-patroni-ready postgresql-patroni02-patroni-ready postgresql-patroni03-patroni-ready
step postgresql-patroni02 haproxy ready postgresql-patroni01-patroni-ready postgresql-patroni02-haproxy-start postgresql-patroni02-patroni-ready postgresql-patroni03-patroni-ready
step postgresql-patroni03 haproxy ready postgresql-patroni01-patroni-ready postgresql-patroni02-patroni-ready postgresql-patroni03-haproxy-start postgresql-patroni03-patroni-ready

wait
[[ ! -e build/failed ]] || exit 1
echo 'All 30 steps are done.'
