# A tun interface made beforehand, and a route through it.
tun "tun9" {
  addresses = ["10.99.0.1/24"]
  mtu       = 1400
  user      = "nobody"
}

route "10.98.0.0/16" {
  dev    = tun.tun9.name
  metric = 50
}
