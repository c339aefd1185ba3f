# This side, which reads this file alone: a port here that leads to a database behind
# a bastion host, kept up and watched. It takes the place of
#   ssh -AfL 8500:db.internal:5432 -N tunnel@bastion.example.com
#
# The key is made here. vpnd show ssh_tunnel.db tells its public half, for the other
# side; until that knows it, an apply says so.
ssh_tunnel "db" {
  host = "bastion.example.com"
  user = "tunnel"

  # From: vpnd ssh-hostkey bastion.example.com
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"

  local {
    listen = "127.0.0.1:8500"
    to     = "db.internal:5432"
  }
}
