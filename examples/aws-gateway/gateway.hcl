# A host between three networks: the internet (eth0), a service network (eth1), and
# the private subnet (eth2) that is joined with an AWS VPC. The configuration beside
# this file is made up, keys and all. Yours is what the console gives to download, or
#   aws ec2 describe-vpn-connections --vpn-connection-ids vpn-… > vpc.json
# of mode 0600. `vpnd import aws-vpn FILE` writes such a block for it.

variable "uplink" {
  type        = string
  default     = "eth0"
  description = "The interface to the internet"
}

locals {
  service = "192.168.30.0/24"
  private = "192.168.40.0/24"
  vpc     = "172.31.0.0/16"
}

# Both tunnels. One carries the traffic; where it dies, the other one does. With
# check "vpc" { tunnel = aws_vpn.vpc }, an apply with --rollback-on-failure is undone
# where none comes up.
aws_vpn "vpc" {
  configuration   = "vpn-0a1b2c3d4e5f60718.xml"
  uplink          = var.uplink
  local_networks  = [local.private]
  remote_networks = [local.vpc]
  prefer          = "203.0.113.17"
  probe           = "172.31.0.10" # a host in the VPC that answers pings
}

# Both subnets may talk to each other and to the internet, and nobody there to them.
# What is for the VPC keeps its addresses and goes into the tunnel.
gateway "subnets" {
  uplink   = var.uplink
  networks = [local.service, local.private]
}

# A certificate that signs, by itself, for one year; and a key pair for EC2, of which
# the private half never leaves this host.
directory "/etc/acme-keys" {
  mode = "0700"
}

private_key "/etc/acme-keys/signing.key" {
  algorithm = "rsa-2048"
}

certificate "/etc/acme-keys/signing.crt" {
  key   = private_key["/etc/acme-keys/signing.key"].name
  usage = "signing"
  subject {
    common_name  = "Acme signing"
    organization = "Acme Corp"
  }
  validity = "365d"
}

private_key "/etc/acme-keys/ec2" {
  algorithm = "rsa-2048"
  format    = "openssh"
}
