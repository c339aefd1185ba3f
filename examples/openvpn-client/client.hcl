# A host that dials in to an OpenVPN server, as the seed's client tpham did by hand. The
# keys beside this file are made up. Yours come from who runs the server, in files of
# mode 0600, or as credentials of systemd:
#   profile = credential("hq.ovpn")

# By the profile that was handed out. Each directive in it is judged before anything is
# touched: what would run a program, load or write a file is refused, and what the host
# itself decides (the interface, the account, how much is logged) is replaced.
openvpn_client "hq" {
  profile = "hq.ovpn"

  # Reached through the tunnel, whatever the server pushes. Of what it pushes besides,
  # routes to private addresses are taken; name servers are not, and neither is that
  # everything shall go through the tunnel: who reaches this host by another network
  # would be cut off.
  routes = ["10.77.0.0/16"]

  # Behind this host, for the other side. There the server has to know that, with
  #   client "tpham" { routes = ["192.168.40.0/24"] }
  # in its openvpn_server block.
  networks = ["192.168.40.0/24"]
}

# The same kind of server, seen from here by attributes: line for line what stood in the
# client.conf of tpham, less what OpenVPN has dropped since (comp-lzo, AES-256-CBC).
openvpn_client "lab" {
  remote          = "tcp/lab.example.com:1194"
  ca              = "ca.crt"
  cert            = "tpham.crt"
  key             = "tpham.key"
  tls_version_min = "1.2"
  data_ciphers    = ["AES-256-GCM"]
  accept_routes   = []
  routes          = ["10.78.0.0/16"]

  # Noticed within half a minute when the server is gone.
  keepalive {
    ping    = "10s"
    restart = "30s"
  }
}

# An apply with --rollback-on-failure is undone where the tunnel does not come up.
check "hq" {
  tunnel = openvpn_client.hq
}
