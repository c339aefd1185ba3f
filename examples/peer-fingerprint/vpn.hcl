# The smallest OpenVPN server there is: no CA, and a few devices of one's own, which
# server and clients know by the fingerprints of their certificates. A device that comes
# or goes restarts the server; with more than a few, use a pki block as in minimal.

openvpn_server "home" {
  network          = "10.8.0.0/24"
  remote           = "vpn.example.com"
  peer_fingerprint = true

  client "phone" {}
  client "laptop" {}
}

gateway "home" {
  uplink   = "eth0"
  networks = [openvpn_server.home.network]
}
