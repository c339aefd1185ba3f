# One block of every kind and composite with each of its nested blocks, and no
# attribute but those that must be given. All others have their defaults.
sysctl "net.ipv4.ip_forward" {
  value = "1"
}

file "/etc/acme/a" {
  content = "a\n"
}

secret_file "/etc/acme/b" {
  content = "b\n"
}

directory "/etc/acme" {}

tun "tun7" {}

xfrm_interface "ipsec0" {
  if_id = 7
}

route "192.0.2.0/24" {
  dev = tun.tun7.name
}

chain "ip/filter/VPND-ACME" {
  rules = []
}

package "openvpn" {}

openvpn_admission "/run/other.sock" {
  issuer {
    certificate = "/etc/ca.crt"
  }
}

openvpn_connection "other" {
  dev = "tun9"
}

openvpn_client "acme" {
  profile = "acme.ovpn"
  keepalive {}
}

system_user "acme" {}

ssh_forward "other" {
  unit    = "acme.service"
  user    = "acme"
  peer    = "tunnel@acme.example.com:22"
  control = "/run/acme/control"
  local {
    listen = "127.0.0.1:18500"
    to     = "db.internal:5432"
  }
}

ssh_tunnel "acme" {
  host     = "acme.example.com"
  user     = "tunnel"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"
  local {
    listen = "127.0.0.1:8500"
    to     = "db.internal:5432"
  }
  remote {
    listen = "8080"
    to     = "127.0.0.1:80"
  }
  socks {
    listen = "127.0.0.1:1080"
  }
}

ssh_admission "other" {}

ssh_tunnel_account "tunnel" {
  public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"]
  permit_open = ["db.internal:5432"]
}

unit "acme.service" {
  dropin "limits" {
    content = "[Service]\n"
  }
}

private_key "/etc/acme/ca.key" {}

certificate "/etc/acme/ca.crt" {
  key = private_key["/etc/acme/ca.key"].name
  subject {
    common_name = "Acme"
  }
}

certificate_request "/etc/acme/ca.csr" {
  key = private_key["/etc/acme/ca.key"].name
  subject {
    common_name = "Acme"
  }
}

ledger "/etc/acme/issued" {}

crl "/etc/acme/crl.pem" {
  issuer     = certificate["/etc/acme/ca.crt"].name
  issuer_key = private_key["/etc/acme/ca.key"].name
  ledger     = ledger["/etc/acme/issued"].name
}

wireguard_key "/etc/acme/wg7.key" {}

wireguard_psk "/etc/acme/wg7.psk" {}

wireguard_interface "wg7" {
  key = wireguard_key["/etc/acme/wg7.key"].name
  peer "other" {
    public_key = "uHBbTsJVqdBOjfYJYpvS3zBaXvzDzmUyBS+sNZ6JU0M="
  }
}

wireguard "wg8" {
  addresses = ["10.88.0.1/24"]
  listen    = 51828
  remote    = "vpn.example.com"
  peer "guest" {
    address = "10.88.0.2"
  }
}

static_key "/etc/acme/ta.key" {}

tls_crypt_v2_key "/etc/acme/v2.key" {}

tls_crypt_v2_list "/etc/acme/known-keys" {
  server = "/etc/acme/v2.key"
}

auth_token_key "/etc/acme/token.key" {}

totp_secret "/etc/acme/alice" {
  holder = "alice"
  issuer = "Acme VPN"
}

dh_params "/etc/acme/dh.pem" {}

assembled_file "/etc/acme/bundle.pem" {
  part {
    file = certificate["/etc/acme/ca.crt"].name
  }
}

pki "acme" {
  subject {
    common_name = "Acme"
  }
  server "server" {}
  client "guest" {}
  revoke {
    serial = "0A:1B"
  }
}

aws_vpn "acme" {
  configuration   = "aws.xml"
  uplink          = "eth0"
  local_networks  = ["192.168.40.0/24"]
  remote_networks = ["172.31.0.0/16"]
  mode            = "route"
  tunnel "203.0.113.17" {}
  bgp {}
}

ipsec_connection "acme" {
  remote_addrs = ["203.0.113.8"]
  proposals    = ["aes256gcm16-prfsha384-ecp384"]
  psk_file     = "/etc/vpnd/acme.psk"
  local {}
  remote {}
  child "net" {
    esp_proposals = ["aes256gcm16-ecp384"]
  }
}

ipsec_failover "acme" {
  connections = ["acme", "other"]
}

openvpn_server "acme" {
  network = "10.8.0.0/24"
  pki     = pki.acme
  remote  = "vpn.example.com"
  listener "udp/1194" {}
  keepalive {}
  pool {}
  push {
    route "10.7.0.0/16" { metric = 50 }
  }
  tls {}
  auth {
    pam {}
    totp {}
    token {}
  }
  group = "nogroup"
  group "others" {
    network = "10.8.0.128/25"
    push {
      route "10.5.0.0/16" { metric = 50 }
    }
  }
  client "guest" {
    push {
      route "10.6.0.0/16" { metric = 50 }
    }
  }
}

ipsec_tunnel "sites" {
  local {
    id = "gw.example.com"
  }
  remote {
    address  = "203.0.113.7"
    networks = ["10.9.0.0/24"]
  }
  psk = sensitive("correct horse battery staple")
  child "voice" {
    remote = ["10.11.0.0/24"]
  }
}

gateway "acme" {
  uplink   = "eth0"
  networks = ["10.8.0.0/24"]
}

firewall "acme" {
  input {
    action = "accept"
  }
  forward {
    action = "accept"
  }
  output {
    action = "accept"
  }
  nat {
    source = ["10.8.0.0/24"]
    out    = ["eth0"]
    action = "masquerade"
  }
}
