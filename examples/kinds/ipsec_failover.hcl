# Two connections to one place, of which one carries at a time: the first while it is
# well, for it is preferred. An aws_vpn block is all this in one, and the firewall
# besides. Neither starts by itself: where traffic goes is for the failover to say. Where
# no agent runs, traffic brings the preferred one up, for it is a trap.
ipsec_connection "dc-1" {
  local_addrs  = ["198.51.100.1"]
  remote_addrs = ["203.0.113.17"]
  proposals    = ["aes256gcm16-prfsha384-ecp384"]
  unique       = "never"
  dpd_delay    = "10s"
  psk_file     = secret_file["/etc/dc-1.psk"].name
  local {}
  remote {}
  child "dc-1" {
    local_ts      = ["192.168.40.0/24"]
    remote_ts     = ["172.31.0.0/16"]
    esp_proposals = ["aes256gcm16-ecp384"]
    start_action  = "trap"
  }
}

ipsec_connection "dc-2" {
  local_addrs  = ["198.51.100.1"]
  remote_addrs = ["203.0.113.18"]
  proposals    = ["aes256gcm16-prfsha384-ecp384"]
  unique       = "never"
  dpd_delay    = "10s"
  psk_file     = secret_file["/etc/dc-2.psk"].name
  local {}
  remote {}
  child "dc-2" {
    local_ts      = ["192.168.40.0/24"]
    remote_ts     = ["172.31.0.0/16"]
    esp_proposals = ["aes256gcm16-ecp384"]
    start_action  = "none"
  }
}

ipsec_failover "dc" {
  connections = [ipsec_connection.dc-1.name, ipsec_connection.dc-2.name]
  probe       = ["172.31.0.10"] # answers pings
}

# What both sides know of each other, in files for root alone. Give it by
# VPND_VAR_keys, a --var-file or credential().
secret_file "/etc/dc-1.psk" {
  content = "${var.keys[0]}\n"
}

secret_file "/etc/dc-2.psk" {
  content = "${var.keys[1]}\n"
}

variable "keys" {
  type      = list(string)
  default   = ["made.up_key_of_the_first_one", "made.up_key_of_the_second_one"]
  sensitive = true
}
