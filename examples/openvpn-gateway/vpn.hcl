# An OpenVPN server for people: certificates, the server, a profile for each
# client, forwarding and NAT into the network behind it, and a firewall.

variable "uplink" {
  type        = string
  default     = "eth0"
  description = "The interface to the network behind this host"
}

variable "remote" {
  type        = string
  default     = "vpn.example.com"
  description = "What client profiles dial"
}

pki "office" {
  subject {
    common_name         = "Acme Corp VPN CA"
    organization        = "Acme Corp"
    organizational_unit = "IT"
    locality            = "New York City"
    province            = "Manhattan"
  }
  ca_validity   = "3650d"
  cert_validity = "90d"

  server "server" {}
  client "tpham" {}
  client "alice" {}
  client "guest" { revoked = true }
}

openvpn_server "office" {
  listen  = ["tcp/1194"]
  network = "10.8.0.0/24"
  pki     = pki.office
  server  = "server"
  remote  = var.remote

  keepalive {
    ping    = "10s"
    restart = "120s"
  }
  push {
    routes           = ["10.0.0.0/16"]
    dns              = ["10.0.0.2"]
    redirect_gateway = false
  }
  client "alice" {
    address = "10.8.0.200"
  }
  pool {
    end = "10.8.0.199"
  }
  user  = "nobody"
  group = "nogroup"
  log   = "/var/log/openvpn.log"
}

gateway "office" {
  uplink     = var.uplink
  networks   = [openvpn_server.office.network]
  interfaces = [openvpn_server.office.dev]
}

# Whoever is connected may talk to this host, and this host to them.
firewall "office" {
  input {
    in     = [openvpn_server.office.dev]
    action = "accept"
  }
  output {
    out    = [openvpn_server.office.dev]
    action = "accept"
  }
}
