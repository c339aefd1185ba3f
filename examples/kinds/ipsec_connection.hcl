# A connection of strongSwan by itself, by a pre-shared key that stands in a file
# of its own.
# An ipsec_tunnel block makes one, and firewall rules, routes and the unit besides.
ipsec_connection "branch" {
  local_addrs  = ["198.51.100.1"]
  remote_addrs = ["203.0.113.7"]
  proposals    = ["aes256gcm16-prfsha384-ecp384"]
  dpd_delay    = "30s"
  keyingtries  = 0
  psk_file     = secret_file["/etc/branch.psk"].name
  local {
    id = "gw.example.com"
  }
  remote {}
  child "office" {
    local_ts      = ["192.168.40.0/24"]
    remote_ts     = ["10.9.0.0/24"]
    esp_proposals = ["aes256gcm16-ecp384"]
    start_action  = "trap|start"
    dpd_action    = "restart"
  }
}

# What both sides know of each other, in a file for root alone. Give it by VPND_VAR_key,
# a --var-file or credential().
secret_file "/etc/branch.psk" {
  content = "${var.key}\n"
}

variable "key" {
  type      = string
  default   = "made.up_key_of_both_sides_of_it"
  sensitive = true
}
