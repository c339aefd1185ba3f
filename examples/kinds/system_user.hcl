# An account for a service of one's own. Nobody can log in with it, and one that is
# there already is never taken over.
system_user "exporter" {
  description = "metrics exporter"
  home        = "/var/lib/exporter"
  depends_on  = [directory["/etc/sysusers.d"]]
}

# Where it is declared, so that it comes back where it is lost. Not every host has it.
directory "/etc/sysusers.d" {}
