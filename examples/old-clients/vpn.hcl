# The server of a how-to of 2012, line by line, for a fleet of clients that
# can't be changed yet. vpnd says what to use instead of each old option.
pki "acme" {
  subject {
    common_name         = "Acme Corp VPN CA"
    organization        = "Acme Corp"
    organizational_unit = "IT"
    locality            = "New York City"
    province            = "Manhattan"
  }
  key           = "rsa-2048"
  ca_validity   = "3650d"
  cert_validity = "90d"

  server "server" {}
  client "tpham" {}
}

openvpn_server "acme" {
  listen   = ["tcp/1194"]
  network  = "10.8.0.0/24"
  pki      = pki.acme
  remote   = "vpn.example.com"
  topology = "net30"

  tls {
    min_version = "1.2"
    ciphers     = ["TLS-DHE-RSA-WITH-AES-256-GCM-SHA384", "TLS-DHE-RSA-WITH-AES-128-GCM-SHA256"]
  }
  tls_key      = "none"
  data_ciphers = ["AES-256-GCM", "AES-256-CBC"]
  cipher       = "AES-256-CBC"
  dh           = 2048
  compression  = "lzo"

  push {
    redirect_gateway = true
    dns              = ["10.0.0.2", "10.0.0.3"]
    routes           = ["10.0.0.0/16"]
  }
  keepalive {
    ping    = "10s"
    restart = "120s"
  }
  user   = "nobody"
  group  = "nogroup"
  status = "/var/log/openvpn-status.log"
  verb   = 4
  log    = "/var/log/openvpn.log"
}
