# The smallest useful file: a server, one client whose traffic goes through the
# VPN, and the way out.
pki "home" {
  subject { common_name = "Home VPN" }
  server "server" {}
  client "phone" {}
}

openvpn_server "home" {
  network = "10.8.0.0/24"
  pki     = pki.home
  remote  = "vpn.example.com"

  push {
    redirect_gateway = true
    dns              = ["9.9.9.9"] # whom clients ask for names
  }
}

gateway "home" {
  uplink   = "eth0"
  networks = [openvpn_server.home.network]
}
