# A kernel parameter, now and at boot.
sysctl "net.ipv4.ip_forward" {
  value = "1"
}

# One block for several names.
dynamic "sysctl" {
  for_each = ["all", "default"]
  labels   = ["net.ipv4.conf.${sysctl.value}.accept_redirects"]
  content {
    value      = "0"
    depends_on = [sysctl["net.ipv4.ip_forward"]]
  }
}
