# An account for a service of one's own. Nobody can log in with it, and one that is
# there already is never taken over.
system_user "exporter" {
  description = "metrics exporter"
  home        = "/var/lib/exporter"
}
