# An interface of WireGuard, with a key made here, to one peer, and a key that both
# share. A block wireguard stands for all of this, and for routes, rules and profiles.
directory "/etc/acme-wireguard" {
  mode = "0700"
}

wireguard_key "/etc/acme-wireguard/wg9.key" {
  depends_on = [directory["/etc/acme-wireguard"]]
}

wireguard_psk "/etc/acme-wireguard/wg9.psk" {
  depends_on = [directory["/etc/acme-wireguard"]]
}

wireguard_interface "wg9" {
  key       = wireguard_key["/etc/acme-wireguard/wg9.key"].name
  listen    = 51829
  addresses = ["10.97.0.1/24"]
  mtu       = 1380

  peer "hub" {
    public_key = "GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU="
    psk_file   = wireguard_psk["/etc/acme-wireguard/wg9.psk"].name
    endpoint   = "198.51.100.7:51820"
    networks   = ["10.97.0.0/24"]
    keepalive  = "25s"
  }
}
