directory "/etc/acme" {
  mode = "0750"
}

# A file that its reader must accept before it replaces the old one.
file "/etc/acme/motd.sh" {
  content  = "#!/bin/sh\necho Welcome to ${var.site}.\n"
  mode     = "0755"
  validate = ["sh", "-n", "{}"]
}

# Its content is never shown, and nobody else can read it.
secret_file "/etc/acme/token" {
  content = var.token
}

variable "site" {
  type    = string
  default = "the office"
}

variable "token" {
  type      = string
  default   = "change-me"
  sensitive = true
}
