package "openssh-server" {}

# A service, a drop-in of it, and a file that it reads.
unit "ssh.service" {
  enabled   = true
  active    = true
  on_change = "reload"

  dropin "50-limits" {
    content = "[Service]\nLimitNOFILE=4096\n"
  }
  depends_on = [package.openssh-server]
}

file "/etc/ssh/sshd_config.d/50-no-passwords.conf" {
  content    = "PasswordAuthentication no\n"
  mode       = "0600"
  validate   = ["sshd", "-t", "-f", "{}"]
  on_change  = [unit["ssh.service"]]
  depends_on = [package.openssh-server]
}
