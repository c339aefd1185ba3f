# What this host shall be: the gateway of a site, whose networks reach those of another
# one through an IPsec tunnel. Look at what it would change with `vpnd plan`, make it so
# with `vpnd apply`; `vpnd explain BLOCK` tells what else a block can say.

# Both sides prove who they are by a secret that only they know. Make one, and carry it
# to the other side by a safe way:
#   umask 077; openssl rand -base64 32 > /etc/vpnd/branch.psk
# Certificates are better where there are many sites; see `vpnd explain ipsec_tunnel`.
ipsec_tunnel "branch" {
  local {
{{.Bound}}    id       = "hq.example.com" # who this side is; the other side has it as remote.id
    networks = [{{.Behind}}]
  }
  remote {
    address  = "{{.Peer}}" # the other side's outside address, or its name
    id       = "branch.example.com"
    networks = ["{{.Network}}"] # what is behind it
  }
  psk_file = "/etc/vpnd/branch.psk"
}

# The networks reach the rest of the world under the address of this host. What is for
# the other side keeps its addresses, and goes through the tunnel or nowhere.
gateway "site" {
  uplink   = "{{.Uplink}}"
  networks = ipsec_tunnel.branch.local_networks
}
