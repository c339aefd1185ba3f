# A certificate authority of single blocks. A pki block is all this in one.
directory "/etc/acme-ca" {
  mode = "0700"
}

directory "/etc/acme-ca/issued" {
  mode = "0700"
}

private_key "/etc/acme-ca/ca.key" {}

certificate "/etc/acme-ca/ca.crt" {
  key   = private_key["/etc/acme-ca/ca.key"].name
  usage = "ca"
  subject {
    common_name = "Acme CA"
  }
  validity = "3650d"
}

crl "/etc/acme-ca/crl.pem" {
  issuer     = certificate["/etc/acme-ca/ca.crt"].name
  issuer_key = private_key["/etc/acme-ca/ca.key"].name
  ledger     = directory["/etc/acme-ca/issued"].name
  members    = []
}
