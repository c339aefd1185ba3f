# People of several kinds, and several ways in. UDP is tried first and TCP where a
# firewall between refuses that, with one profile; each listener has its part of the
# network. Contractors have addresses that nobody else gets, and reach one host.

pki "people" {
  subject { common_name = "Acme Corp people CA" }
  server "server" {}
  client "alice" {}
  client "bob" {}
  client "carol" {}
}

openvpn_server "people" {
  listen   = ["udp/1194", "tcp/443"]
  network  = "10.8.0.0/22"
  network6 = "fd00:8::/64"
  pki      = pki.people
  remote   = "vpn.example.com"

  push {
    routes           = ["10.0.0.0/16"]
    dns              = ["10.0.0.2"]
    domain           = "corp.example.com"
    search_domains   = ["example.com"]
    redirect_gateway = true             # and so IPv6 too
    exclude_routes   = ["10.0.99.0/24"] # which is behind the client's own gateway
    route "10.7.0.0/16" { metric = 50 } # where there may be a shorter way
  }

  group "contractors" {
    network  = "10.8.3.0/24"
    network6 = "fd00:8::c000:0:0:0/66"
    reach    = ["10.0.3.10/32", "10.0.0.2/32"]
    push { redirect_gateway = false }
  }

  client "alice" { group = "contractors" }
  client "bob" { address = "10.8.0.9" } # by UDP; 10.8.2.9 by TCP
  client "carol" {
    push { domain = "lab.example.com" }
  }
  pool { start = "10.8.0.32" }
}

gateway "people" {
  uplink    = "eth0"
  networks  = [openvpn_server.people.network, openvpn_server.people.network6]
  accept_ra = false
}
