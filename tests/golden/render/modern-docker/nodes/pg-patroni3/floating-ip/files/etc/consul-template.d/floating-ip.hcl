template {
  source          = "/etc/consul-template/floating-ip.ctmpl"
  destination     = "/run/consul-template/floating-ip"
  perms           = 0644
  command         = ["/usr/local/sbin/floating-ip", "reconcile"]
  command_timeout = "10s"
}
