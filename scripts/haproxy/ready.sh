#!/usr/bin/env bash
# HAProxy is ready when it has asked every server, and leads to one leader and to a replica, if there is one.
. "${LABGEN_LIB:?}"

# servers ROUTE: "NAME STATUS LAST-CHECK" of each server on that route.
servers() {
    socat -t 5 stdio unix-connect:/run/haproxy/admin.sock <<<'show stat' | awk -F, -v route="$1" '
        NR == 1 { for (column = 1; column <= NF; column++) at[$column] = column }
        $1 == route && $2 != "FRONTEND" && $2 != "BACKEND" { print $2, $at["status"], $at["check_status"] }'
}

# Until a server is asked for the first time HAProxy takes it to be up, whatever it is.
leads_somewhere() {
    local route known up
    for route in $HAPROXY_ROUTES; do
        known=$(servers "$route")
        echo "$route: ${known//$'\n'/, }"
        [[ $known && $known != *" INI"* ]] || return
        up=$(grep --count " UP" <<<"$known")
        case $route in
        primary) ((up == 1)) || return ;;
        replica) ((up >= 1 || HAPROXY_SERVERS == 1)) || return ;;
        esac
    done
}

follow haproxy.service
wait_for 120 "servers behind HAProxy" leads_somewhere
