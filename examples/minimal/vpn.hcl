# The smallest useful file: a server, one client and the way out.
pki "home" {
  subject { common_name = "Home VPN" }
  server "server" {}
  client "phone" {}
}

openvpn_server "home" {
  network = "10.8.0.0/24"
  pki     = pki.home
  remote  = "vpn.example.com"
}

gateway "home" {
  uplink   = "eth0"
  networks = [openvpn_server.home.network]
}
