# The other side, on the bastion host, which reads this file alone: an account that
# the tunnel dials. It lets the key in for that one forward; no shell, no command, no
# file transfer, no other port.
ssh_tunnel_account "tunnel" {
  # What vpnd show ssh_tunnel.db tells on the side that dials.
  public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"]
  permit_open = ["db.internal:5432"]
}
