# What this host shall be: one that dials in to an OpenVPN server, by the profile that it
# was handed. Look at what it would change with `vpnd plan`, make it so with `vpnd apply`;
# `vpnd explain openvpn_client` tells what else the block can say.

# Put the profile beside this file, with mode 0600, for it holds a private key:
#   install -m 0600 hq.ovpn /etc/vpnd/hq.ovpn
# Each directive in it is judged. What would run a program, load or write a file is
# refused; what this host decides (interface, account, how much is logged) is replaced.
openvpn_client "hq" {
  profile = "hq.ovpn"

  # Of what the server pushes, routes to private addresses are taken, and neither name
  # servers nor that everything shall go through the tunnel. Instead of that:
  # routes           = ["10.77.0.0/16"] # reached through the tunnel, whatever is pushed
  # accept_routes    = []               # and nothing that is pushed
  # redirect_gateway = true             # everything; who reaches this host otherwise is cut off

  # Networks behind this host for the other side, where the server has to know that, with
  #   client "NAME" { routes = [...] }
  # in its openvpn_server block; this host forwards then.
  # networks = [{{.Behind}}]
}

# `vpnd apply --rollback-on-failure` is undone where the tunnel does not come up.
check "hq" {
  tunnel = openvpn_client.hq
}
