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

send consul-node1 consul
send consul-node2 consul
send consul-node3 consul
send pg-patroni1 consul postgresql patroni consul-template floating-ip
send pg-patroni2 consul postgresql patroni consul-template floating-ip
send pg-patroni3 consul postgresql patroni consul-template floating-ip
send pgbouncer consul consul-template pgbouncer

# Each step, and what it waits for. Some must run at the same time: three Consul servers elect a leader together.
step consul-node1 consul configure
step consul-node2 consul configure
step consul-node3 consul configure
step pg-patroni1 consul configure
step pg-patroni2 consul configure
step pg-patroni3 consul configure
step pgbouncer consul configure
step consul-node1 consul start consul-node1-consul-configure
step consul-node2 consul start consul-node2-consul-configure
step consul-node3 consul start consul-node3-consul-configure
step pgbouncer consul-template configure
step pg-patroni1 patroni configure
step pg-patroni2 patroni configure
step pg-patroni3 patroni configure
step pgbouncer pgbouncer configure
step pgbouncer consul start pgbouncer-consul-configure
step pg-patroni1 consul-template configure
step pg-patroni2 consul-template configure
step pg-patroni3 consul-template configure
step pgbouncer consul-template start pgbouncer-consul-template-configure pgbouncer-pgbouncer-configure
step pg-patroni1 floating-ip configure
step pg-patroni1 consul start pg-patroni1-consul-configure
step pg-patroni2 floating-ip configure
step pg-patroni2 consul start pg-patroni2-consul-configure
step pg-patroni3 floating-ip configure
step pg-patroni3 consul start pg-patroni3-consul-configure
step pgbouncer pgbouncer start pgbouncer-consul-template-start
step pg-patroni1 consul-template start pg-patroni1-consul-template-configure pg-patroni1-floating-ip-configure
step pg-patroni1 patroni start pg-patroni1-consul-start pg-patroni1-patroni-configure
step pg-patroni2 consul-template start pg-patroni2-consul-template-configure pg-patroni2-floating-ip-configure
step pg-patroni3 consul-template start pg-patroni3-consul-template-configure pg-patroni3-floating-ip-configure
step pg-patroni1 floating-ip start pg-patroni1-consul-start pg-patroni1-consul-template-start
step pg-patroni1 patroni ready pg-patroni1-patroni-start
step pg-patroni2 patroni start pg-patroni1-patroni-start pg-patroni2-consul-start pg-patroni2-patroni-configure
step pg-patroni3 patroni start pg-patroni1-patroni-start pg-patroni3-consul-start pg-patroni3-patroni-configure
step pg-patroni2 floating-ip start pg-patroni2-consul-start pg-patroni2-consul-template-start
step pg-patroni3 floating-ip start pg-patroni3-consul-start pg-patroni3-consul-template-start
step pg-patroni2 patroni ready pg-patroni2-patroni-start
step pg-patroni3 patroni ready pg-patroni3-patroni-start

wait
[[ ! -e build/failed ]] || exit 1
echo 'All 39 steps are done.'
