#!/usr/bin/env bash
# Starts PgBouncer, once consul-template knows a leader if that is who names it. Ready means that an application that comes through it may write.
. "${LABGEN_LIB:?}"

reaches_leader() {
    local answer
    answer=$(PGPASSFILE=/etc/pgbouncer/app.pgpass PGCONNECT_TIMEOUT=5 psql --no-psqlrc --no-password --tuples-only \
        --no-align --host="$LABGEN_ADDRESS" --port="$PGBOUNCER_PORT" --command='SELECT pg_is_in_recovery()') || return
    [[ $answer == f ]] || {
        echo "pg_is_in_recovery() is '$answer'"
        return 1
    }
}

if ((!PGBOUNCER_SERVER_PORT)); then
    enable_and_start consul-template.service
    wait_for 600 "list of databases from consul-template" test -s /var/lib/consul-template/pgbouncer-databases.ini
fi
enable_and_start pgbouncer.service
wait_for 300 "leader behind PgBouncer" reaches_leader
