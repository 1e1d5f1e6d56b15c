#!/usr/bin/env bash
# lint.sh: runs validators inside an image, where rendered files meet the programs, users and folders they are made for.
#
# It lies in a tree of its own:
#   lint.sh
#   nodes/NODE/address          the node's address with its prefix length
#   nodes/NODE/files.list       MODE OWNER:GROUP PATH, one a line
#   nodes/NODE/files/PATH
#   nodes/NODE/checks/NAME      a command, in bash, that fails and says why if something is wrong
# and adds, for each command that failed, and as NODE for a file that cannot be put in place:
#   complaints/NAME             what it said
# Standard output is a tar of the complaints. Nothing is started, and the network leads nowhere.
set -Eeuo pipefail

lint=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
patience=60 # seconds that a command has
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SYSTEMD_LOG_COLOR=0

# ---------------------------------------------------------------- what a command may use

# silent COMMAND…: for a validator that reports what is wrong, and then succeeds.
silent() {
    local said
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said"
        return 1
    }
    [[ -z $said ]] || {
        printf '%s\n' "$said"
        return 1
    }
}

# answering PORT COMMAND…: for a validator that asks whether another service is there: on PORT of every address something
# accepts connections meanwhile.
answering() {
    local port=$1 status=0 listener
    shift
    systemd-socket-activate --listen="0.0.0.0:$port" sleep infinity >/dev/null 2>&1 &
    listener=$!
    until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.02; done
    "$@" || status=$?
    kill "$listener"
    return "$status"
}

# parse READER PATH…: has each script read by the command READER, which does not run it.
parse() {
    local reader=$1 path status=0
    shift
    for path; do
        $reader "$path" >/dev/null || status=1
    done
    return "$status"
}

# verify_units PATH…: what systemd says about these unit files and drop-ins; what it says about others is not theirs.
verify_units() {
    local path unit folder said units=() paths=()
    for path; do
        unit=${path#/etc/systemd/system/}
        unit=${unit%%/*}
        unit=${unit%.d}
        units+=("$unit")
        for folder in /etc /usr/lib /lib; do
            if [[ -e $folder/systemd/system/$unit ]]; then
                paths+=("$folder/systemd/system/$unit")
                break
            fi
        done
    done
    said=$(systemd-analyze verify --man=no "${paths[@]}" 2>&1 | grep --fixed-strings "${units[@]/#/--regexp=}") || true
    [[ -z $said ]] || {
        printf '%s\n' "$said"
        return 1
    }
}

# servers_checked PATH: names each server in haproxy.cfg without `check`, where its proxy or the defaults have checks.
servers_checked() {
    awk '
        { sub(/#.*/, "") }
        /^[a-z]/ { proxy = $2; section = $1; asks = section != "defaults" && default_asks; checks = 0 }
        $1 == "option" && $2 ~ /(chk|check)$/ { asks = 1; if (section == "defaults") default_asks = 1 }
        $1 == "default-server" && /[ \t]check([ \t]|$)/ { checks = 1 }
        $1 == "server" && asks && !checks && !/[ \t](check|no-check)([ \t]|$)/ {
            printf "%s:%d: the server %s of %s has no `check`: it is up for HAProxy whatever it is\n", FILENAME, FNR, $2, proxy
            found = 1
        }
        END { exit found }' "$1"
}

# postgresql_takes VERSION COMPONENT.PARAMETER.NAME=VALUE…: what PostgreSQL says of each setting that it refuses. What it
# only sees when it starts (two settings that do not go together, a library's own) it does not say here.
postgresql_takes() {
    local server=/usr/lib/postgresql/$1/bin/postgres folder setting said status=0
    shift
    folder=$(mktemp -d)
    touch "$folder/postgresql.conf" "$folder/postgresql.auto.conf"
    chown -R postgres "$folder"
    for setting; do
        # `-C` shows one setting as the others make it, and ends.
        said=$(runuser -u postgres -- "$server" -D "$folder" -c log_line_prefix= -c "${setting#*.*.}" -C work_mem 2>&1) || {
            printf '%s: %s\n' "${setting%%=*}" "${said#FATAL:  }"
            status=1
        }
    done
    return "$status"
}

# pgbouncer_takes PATH: PgBouncer reads it all before it sees that it is root, and ends. What another program will write
# for it is not there yet.
pgbouncer_takes() {
    local copy said path
    copy=$(mktemp)
    sed 's/^[[:space:]]*user[[:space:]]*=/;&/' "$1" >"$copy"
    while read -r path; do
        [[ -e $path ]] || sed -i "s|^%include[[:space:]]*$path|;&|" "$copy"
    done < <(sed -n 's/^%include[[:space:]]*//p' "$1")
    said=$(timeout 5 pgbouncer "$copy" 2>&1 |
        sed -nE "s/.* (ERROR|FATAL|WARNING) //; T; /should not run as root|auth file/d; s|$copy|$1|g; p")
    [[ -z $said ]] || {
        printf '%s\n' "$said"
        return 1
    }
}

# etcd_takes PATH: etcd reads its environment before it looks for its data, which are where nothing can be.
etcd_takes() {
    local said
    said=$(set -a && . "$1" && ETCD_DATA_DIR=/dev/null/none timeout 5 etcd 2>&1 | sed -nE '
        \#/dev/null/none("|$)#d
        s/.*"msg":"(failed to verify flags|unrecognized environment variable)","[a-z-]+":"(.*)"}$/\1: \2/p
        s/^.* [CE] \| etcdmain: //p
        s/^.* W \| pkg.flags: (unrecognized environment variable)/\1/p
        s/^panic: //p')
    [[ -z $said ]] || {
        printf '%s\n' "${said//\\\"/\"}"
        return 1
    }
}

export -f silent answering parse verify_units servers_checked postgresql_takes pgbouncer_takes etcd_takes

# ---------------------------------------------------------------- a node's files at their paths

# place NODE: says of each file that cannot be put in place as it should be why.
place() {
    local mode owner path file said
    while read -r mode owner path; do
        file=$lint/nodes/$1/files$path
        if [[ -e $path ]]; then
            cp --archive --parents "$path" "$lint/kept"
        fi
        mkdir -p "${path%/*}"
        said=$(install --mode="$mode" --owner="${owner%:*}" --group="${owner#*:}" "$file" "$path" 2>&1) || {
            echo "$path: $said"
            install --mode="$mode" "$file" "$path"
        }
    done <"$lint/nodes/$1/files.list"
}

# take_away NODE: everything is as the image has it.
take_away() {
    local path
    while read -r _ _ path; do
        rm -f "$path"
        if [[ -e $lint/kept$path ]]; then
            mv "$lint/kept$path" "$path"
        fi
    done <"$lint/nodes/$1/files.list"
}

# ---------------------------------------------------------------- the work

run_check() {
    local said status=0
    said=$(timeout "$patience" bash -c "$(<"$1")" 2>&1 </dev/null) || status=$?
    case $status in
    0) return ;;
    124) said+=${said:+$'\n'}"no answer within $patience s" ;;
    esac
    printf '%s\n' "${said:-exit code $status, without a word}" >"$lint/complaints/${1##*/}"
}

mkdir "$lint/kept" "$lint/complaints"
# Every address is this very machine, and the lab's interface has the node's.
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip link add eth1 type bridge
ip link set eth1 up

for node in "$lint"/nodes/*; do
    node=${node##*/}
    ip address flush dev eth1
    # Without a route of its own, which would lead to the addresses of the lab, and there to nobody.
    ip address add "$(<"$lint/nodes/$node/address")" dev eth1 noprefixroute
    misplaced=$(place "$node")
    if [[ $misplaced ]]; then
        printf '%s\n' "$misplaced" >"$lint/complaints/$node"
    fi
    for check in "$lint/nodes/$node/checks/"*; do
        run_check "$check" &
    done
    wait
    take_away "$node"
done
tar -C "$lint/complaints" -c .
