# What this host shall be: a WireGuard server for people and other sites. Look at what
# it would change with `vpnd plan`, make it so with `vpnd apply`; `vpnd explain
# wireguard` tells what else the block can say.

wireguard "wg0" {
  addresses = ["{{.Host}}"]
  remote    = "{{.Address}}" # the name or address that peers dial
{{.Reach}}
  # A person: the key is made here and goes out with the profile in
  # /var/lib/vpnd/profiles/wg0, which `vpnd client export alice` hands out. To shut
  # somebody out, write revoked = true into the block.
  peer "alice" {
    address = "{{.First}}"
  }

  # Another site has a key of its own, and networks behind it:
  # peer "branch" {
  #   public_key = "…" # what wg pubkey prints there
  #   endpoint   = "198.51.100.7:51820"
  #   networks   = ["10.9.1.0/24"]
  # }
}

# People reach the rest of the world, and what lies behind this host, under its
# address.
gateway "office" {
  uplink   = "{{.Uplink}}"
  networks = wireguard.wg0.networks
}
