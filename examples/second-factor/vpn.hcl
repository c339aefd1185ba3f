# An OpenVPN server that asks for more than a certificate: the password of an account
# that PAM of this host knows, and the code of an app on a phone. Certificate, password
# and code have to be of one person.

pki "office" {
  subject { common_name = "Acme Corp VPN CA" }
  server "server" {}
  client "alice" {}
  client "bob" {}
}

openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "vpn.example.com"

  auth {
    pam {}  # the accounts of the host, and those of a directory that its PAM asks
    totp {  # the seed of each person: vpnd client totp NAME
      issuer = "Acme Corp"
    }
    token { # nobody is asked again for so long, also where the server restarts
      lifetime = "12h"
    }
  }
}

gateway "office" {
  uplink   = "eth0"
  networks = [openvpn_server.office.network]
}
