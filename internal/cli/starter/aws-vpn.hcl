# What this host shall be: the gateway of networks to an AWS VPC, by both tunnels of a
# Site-to-Site VPN. Look at what it would change with `vpnd plan`, make it so with
# `vpnd apply`; `vpnd explain BLOCK` tells what else a block can say.

# The configuration is Amazon's own. Put it beside this file, with mode 0600, for it
# holds both pre-shared keys:
#   umask 077; aws ec2 describe-vpn-connections --vpn-connection-ids vpn-... > vpc.json
# or take the file that the console gives to download, for vendor Generic.
# `vpnd import aws-vpn FILE` writes this block for it.
aws_vpn "vpc" {
  configuration   = "vpc.json"
  uplink          = "{{.Uplink}}"
  local_networks  = [{{.Behind}}] # on this side
  remote_networks = ["172.31.0.0/16"] # of the VPC; the configuration does not say
  # prefer = "203.0.113.17"  # outside address of the tunnel that is used while both are well
  # probe  = "172.31.0.10"   # a host in the VPC that answers pings: it proves a tunnel, and keeps it up
}

# The networks reach the rest of the world under the address of this host. What is for
# the VPC keeps its addresses, and goes into the tunnel.
gateway "office" {
  uplink   = "{{.Uplink}}"
  networks = aws_vpn.vpc.local_networks
}
