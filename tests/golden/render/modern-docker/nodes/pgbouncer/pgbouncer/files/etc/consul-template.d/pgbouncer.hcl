template {
  source          = "/etc/consul-template/pgbouncer-databases.ctmpl"
  destination     = "/var/lib/consul-template/pgbouncer-databases.ini"
  perms           = 0644
  command         = ["/usr/local/sbin/pgbouncer-reload"]
  command_timeout = "10s"
}
