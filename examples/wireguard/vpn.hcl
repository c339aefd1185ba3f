# A WireGuard server: people with a profile each, another site, and the network
# behind this host, which both reach.

variable "uplink" {
  type        = string
  default     = "eth0"
  description = "The interface to the rest of the world"
}

variable "remote" {
  type        = string
  default     = "vpn.example.com"
  description = "What profiles dial"
}

wireguard "wg0" {
  listen    = 51820
  addresses = ["10.20.0.1/24"]
  remote    = var.remote
  reach     = ["192.168.40.0/24"]
  dns       = ["192.168.40.53"]

  # People: the key of each is made here, and goes out with the profile in
  # /var/lib/vpnd/profiles/wg0, which vpnd client export NAME hands out.
  peer "alice" {
    address = "10.20.0.2"
  }
  peer "bob" {
    address = "10.20.0.3"
  }

  # Another site, with a key of its own. Its administrator is given
  # /var/lib/vpnd/profiles/wg0/branch.conf.
  peer "branch" {
    public_key = "uHBbTsJVqdBOjfYJYpvS3zBaXvzDzmUyBS+sNZ6JU0M="
    endpoint   = "203.0.113.7:51820"
    networks   = ["10.9.1.0/24"]
    keepalive  = "25s"
  }
}

# What they open to the rest of the world goes out under the address of this host.
gateway "office" {
  uplink   = var.uplink
  networks = wireguard.wg0.networks
}
