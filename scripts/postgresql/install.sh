#!/usr/bin/env bash
# PostgreSQL's programs without the cluster that Debian would make: initdb and pg_basebackup are Patroni's to run.
. "${LABGEN_LIB:?}"

mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/labgen.conf

if [[ $LABGEN_VERSION ]]; then
    apt_suite "$LABGEN_SUITE" "postgresql-$LABGEN_VERSION"
    apt_install "postgresql-$LABGEN_VERSION"
else
    apt_install postgresql
fi
leave_off postgresql.service
# A private key made by a package would be the same in every machine of this image.
rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
