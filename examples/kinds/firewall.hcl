# The same in words, for IPv4 and IPv6 at once.
firewall "edge" {
  input {
    protocol = "tcp"
    ports    = ["22"]
    source   = ["192.0.2.0/24", "2001:db8::/32"]
    action   = "accept"
  }
  input {
    protocol = "icmp"
    action   = "accept"
  }
  input_default = "drop"
}
