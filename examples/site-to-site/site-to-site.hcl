# Two sites, headquarters here and a branch there, whose private networks reach each
# other through IPsec. The tunnel is proved by certificates of a CA of one's own, which
# stands on this host; the pair of the branch is taken there once, and its block there
# is the mirror image of the one below.
variable "uplink" {
  type    = string
  default = "eth0"
}

locals {
  headquarters = ["192.168.40.0/24"]
  branch       = ["10.9.0.0/24"]
}

pki "sites" {
  subject {
    common_name  = "Acme Sites CA"
    organization = "Acme Corp"
  }
  server "hq" {
    dns_names = ["hq.example.com"]
  }
  server "branch" {
    dns_names = ["branch.example.com"]
  }
}

# Everything has a safe default: IKEv2, AES-256-GCM with a NIST curve, dead peers noticed
# after 30 s. What the networks send each other goes through the tunnel or nowhere.
ipsec_tunnel "branch" {
  local {
    id       = "hq.example.com"
    networks = local.headquarters
  }
  remote {
    address  = "203.0.113.7"
    id       = "branch.example.com"
    networks = local.branch
  }
  certificate = pki.sites.server["hq"]

  # A pre-shared key instead, never written here:
  #   psk      = credential("branch-psk")
  #   psk_file = "/etc/vpnd/branch.psk"
}

# The rest of the world, under this host's address. Packets for the branch are not
# translated, whatever stands here.
gateway "headquarters" {
  uplink   = var.uplink
  networks = local.headquarters
}
