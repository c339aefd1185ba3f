# An SSH tunnel that is kept up and watched, instead of an ssh -L in the background.
#
# Change what is marked, then: vpnd validate, vpnd plan, vpnd apply. Every block is
# explained by vpnd explain BLOCK, as in: vpnd explain ssh_tunnel
ssh_tunnel "db" {
  host = "bastion.example.com" # change this: the host that it dials, with :PORT where it is not 22
  user = "tunnel"              # the account there, good for this tunnel alone

  # Change this to what the following command shows, once you have compared it:
  # vpnd ssh-hostkey bastion.example.com
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"

  # A port here leads to one that the other side reaches.
  local {
    listen = "127.0.0.1:8500"
    to     = "db.internal:5432" # change this
  }

  # The other way round, a port there leads here:
  # remote {
  #   listen = "8080"
  #   to     = "127.0.0.1:80"
  # }
}

# The key of the tunnel is made at the first apply, which names its public half for
# the other side. There, where vpnd runs too, this is the account:
#
# ssh_tunnel_account "tunnel" {
#   public_keys = ["ssh-ed25519 AAAA…"] # vpnd show ssh_tunnel.db tells it
#   permit_open = ["db.internal:5432"]
# }
