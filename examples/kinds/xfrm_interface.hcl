# A routed tunnel: what the routing table sends to the interface leaves by the SAs with
# its number.
xfrm_interface "ipsec0" {
  if_id     = 7
  addresses = ["169.254.10.2/30"]
  mtu       = 1438
}

ipsec_tunnel "routed" {
  local {
    id       = "gw.example.com"
    networks = ["192.168.40.0/24"]
  }
  remote {
    address  = "203.0.113.7"
    networks = ["10.9.0.0/24"]
  }
  psk_file  = "/etc/vpnd/routed.psk" # 0600; one line
  mode      = "route"
  interface = xfrm_interface.ipsec0
  metric    = 100
}
