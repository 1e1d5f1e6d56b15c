# What to render is said in the other files of this folder, by the components that want it.
consul {
  address = "127.0.0.1:8500"
  retry {
    attempts    = 0
    backoff     = "250ms"
    max_backoff = "2s"
  }
}
