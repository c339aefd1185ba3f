# A key for SSH, and a self-signed certificate with its key.
private_key "/etc/acme-keys/deploy" {
  algorithm = "ed25519"
  format    = "openssh"
}

private_key "/etc/acme-keys/signing.key" {
  algorithm = "rsa-2048"
}

certificate "/etc/acme-keys/signing.crt" {
  key   = private_key["/etc/acme-keys/signing.key"].name
  usage = "signing"
  subject {
    common_name  = "Acme signing"
    organization = "Acme Corp"
  }
  validity     = "365d"
  renew_before = "30d"
}

# A request for a certificate of a CA elsewhere. A pki block with ca_certificate and
# without ca_key makes one for each server and client, and takes what comes back.
private_key "/etc/acme-keys/portal.key" {}

certificate_request "/etc/acme-keys/portal.csr" {
  key   = private_key["/etc/acme-keys/portal.key"].name
  usage = "server"
  subject {
    common_name = "portal.example.com"
  }
  dns_names = ["portal.example.com"]
}

# What OpenVPN needs besides certificates.
static_key "/etc/acme-keys/ta.key" {}

tls_crypt_v2_key "/etc/acme-keys/server.tc2" {}

tls_crypt_v2_key "/etc/acme-keys/client.tc2" {
  server = tls_crypt_v2_key["/etc/acme-keys/server.tc2"].name
}

tls_crypt_v2_list "/etc/acme-keys/known-keys" {
  server = tls_crypt_v2_key["/etc/acme-keys/server.tc2"].name
  keys   = [tls_crypt_v2_key["/etc/acme-keys/client.tc2"].name]
}

auth_token_key "/etc/acme-keys/token.key" {}

# The seed of the codes that an app shows, for PAM's module google-authenticator.
totp_secret "/etc/acme-keys/alice.totp" {
  holder = "alice"
  issuer = "Acme Corp"
}

dh_params "/etc/acme-keys/dh.pem" {
  bits = 3072
}

# A file made of other files.
assembled_file "/etc/acme-keys/bundle.pem" {
  part {
    file = certificate["/etc/acme-keys/signing.crt"].name
  }
  part {
    file = private_key["/etc/acme-keys/signing.key"].name
  }
}

directory "/etc/acme-keys" {
  mode = "0700"
}
