# What this host shall be: an OpenVPN server for people. Look at what it would
# change with `vpnd plan`, make it so with `vpnd apply`; `vpnd explain BLOCK`
# tells what else a block can say.

# The certificate authority and who has a certificate. To let someone in, add a
# client; to shut someone out, write revoked = true into the block.
pki "office" {
  subject {
    common_name = "VPN CA"
  }

  server "server" {}
  client "alice" {}
}

# The server, and a profile for each client in /var/lib/vpnd/profiles/office.
openvpn_server "office" {
  listen  = ["{{.Listen}}"]
  network = "{{.Network}}"{{.Network6}}
  pki     = pki.office
  remote  = "{{.Address}}" # the name or address that clients dial

  push {
{{.Push}}
  }
}

# Clients reach what lies behind this host, under its address.
gateway "office" {
  uplink   = "{{.Uplink}}"
  networks = [{{.Networks}}
}
