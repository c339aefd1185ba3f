package system

import "testing"

// A mistake is a configuration that somebody might write, the line that is
// wrong, and what vpnd says of it: what is the matter and a way out.
type mistake struct {
	name, text string
	place      string
	says       []string
}

var mistakes = []mistake{
	{"a rule that the kernel refuses", `chain "ip/filter/VPND-X" {
  hook  = "INPUT"
  rules = ["-p tcp -j ACCEPT", "-p tcp --dport 1:2:3 -j ACCEPT"]
}`, "vpn.hcl:1", []string{"chain", "--dport 1:2:3"}},
	{"a target that there is none of", `chain "ip/filter/VPND-X" {
  hook  = "INPUT"
  rules = ["-j VPND-NOWHERE"]
}`, "vpn.hcl:1", []string{"VPND-NOWHERE"}},
	{"an unknown attribute", `sysctl "net.ipv4.ip_forward" {
  vaule = "1"
}`, "vpn.hcl:2", []string{"vaule", `"value"`}},
	{"an unknown block", `sysctrl "net.ipv4.ip_forward" {
  value = "1"
}`, "vpn.hcl:1", []string{"sysctrl", `"sysctl"`}},
	{"a cycle", `locals {
  a = local.b
  b = local.a
}
sysctl "net.ipv4.ip_forward" { value = local.a }`, "vpn.hcl:2", []string{"local.a", "local.b"}},
	{"a cycle of blocks", `directory "/etc/a" {
  depends_on = [directory["/etc/b"]]
}
directory "/etc/b" {
  depends_on = [directory["/etc/a"]]
}`, "vpn.hcl:5", []string{`directory["/etc/a"]`, `directory["/etc/b"]`}},
	{"a conflict", `gateway "a" {
  uplink   = "eth0"
  networks = ["10.8.0.0/24"]
}
sysctl "net.ipv4.ip_forward" { value = "0" }`, "vpn.hcl:5", []string{"gateway.a", "vpn.hcl:1"}},
	{"a wrong type", `tun "tun7" {
  mtu = "large"
}`, "vpn.hcl:2", []string{"mtu", "number"}},
	{"a missing file", `file "/etc/acme/motd" {
  source = "motd.txt"
}`, "vpn.hcl:2", []string{"motd.txt"}},
	{"a name that is too long", `tun "tun-to-the-office" {}`, "vpn.hcl:1", []string{"15"}},
	{"a newline for another program", `pki "o" {
  subject { common_name = "O" }
  server "server" {}
}
openvpn_server "o" {
  network = "10.8.0.0/24"
  pki     = pki.o
  remote  = "vpn.example.com\nscript-security 2\nup /bin/sh"
}`, "vpn.hcl:8", []string{"remote", "rite it as"}},
	{"a newline in a sysctl", `sysctl "net.ipv4.ip_forward" {
  value = "1\nkernel.core_pattern = |/bin/sh"
}`, "vpn.hcl:2", []string{"line break", "on one line"}},
	{"an undefined variable", `sysctl "net.ipv4.ip_forward" {
  value = var.forwarding
}`, "vpn.hcl:2", []string{"forwarding"}},
	{"a variable without a value", `variable "forwarding" { type = string }
sysctl "net.ipv4.ip_forward" { value = var.forwarding }`, "vpn.hcl:1", []string{"forwarding", "VPND_VAR_forwarding"}},
	{"a secret in public", `variable "token" {
  default   = "s3cret-t0ken"
  sensitive = true
}
file "/etc/acme/token" {
  content = var.token
}`, "vpn.hcl:6", []string{"content", "secret_file"}},
	{"a secret as a name", `variable "name" {
  default   = "/etc/s3cret-t0ken"
  sensitive = true
}
dynamic "directory" {
  for_each = [1]
  labels   = [var.name]
  content {}
}`, "vpn.hcl:7", []string{"ensitive"}},
	{"broken HCL", `sysctl "net.ipv4.ip_forward" {
  value = "1
}`, "vpn.hcl:2", []string{"Quoted strings"}},
	{"two mistakes", `gateway "a" {
  uplink   = "much-too-long-a-name"
  networks = ["10.8.0.0/24"]
}
sysctl "net.ipv4.ip_forwrad" { value = 1 }
nonsense {}`, "vpn.hcl:2", []string{"vpn.hcl:6", "no name of an interface"}},
}

// TestMistakesWriteNothing applies configurations with mistakes: each is told
// with its place and a way out, and neither the host nor the state is touched.
func TestMistakesWriteNothing(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.configure(`sysctl "net.ipv4.conf.eth0.forwarding" { value = "1" }`)
	s.apply()
	const state = "sha256sum /var/lib/vpnd/*.jsonl; find /var/lib/vpnd"
	before, recorded := s.print(), s.sh(state)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			s := s.in(t)
			s.configure(m.text + "\nsysctl \"net.ipv4.conf.eth0.forwarding\" { value = \"1\" }\nfile \"/root/innocent\" { content = \"\" }\n")
			out := s.vpnd(1, "apply", "--yes")
			s.names(out, append(m.says, m.place)...)
			s.lacks(out, "s3cret-t0ken", "panic")
			s.as(before, "an apply of "+m.name)
			if now := s.sh(state); now != recorded {
				t.Errorf("the state was touched:\n%s\n%s", recorded, now)
			}
		})
	}
}

// TestWhatItsReaderRefusesStaysAway applies files that the programs that would
// read them refuse: they don't appear, whatever reads them is not touched, and
// the corrected file converges.
func TestWhatItsReaderRefusesStaysAway(t *testing.T) {
	t.Parallel()
	s := alone(t)
	before := s.print()
	for _, m := range []struct{ bad, good, file, says string }{
		{
			`file "/root/acme.sh" {
  content  = "if then"
  validate = ["sh", "-n", "{}"]
}`, `file "/root/acme.sh" {
  content  = "true"
  validate = ["sh", "-n", "{}"]
}`, "/root/acme.sh", "sh refuses the new content",
		},
		{server(`options = ["no-such-directive 1"]`), server(`options = ["tcp-queue-limit 128"]`), "/etc/openvpn/server/o.conf", "no-such-directive"},
	} {
		s.configure(m.bad)
		s.names(s.vpnd(1, "apply", "--yes"), m.file, m.says)
		s.run("test", "!", "-e", m.file)
		s.run("sh", "-c", "! systemctl is-active openvpn-server@o")
		s.as(before, "an apply that "+m.file+" was refused before")
		s.run("test", "!", "-e", "/var/lib/vpnd/pki")
		s.configure(m.good)
		s.apply()
		s.run("test", "-e", m.file)
		s.vpnd(0, "destroy", "--yes")
		s.as(before, "destroying "+m.file)
	}
}

// server is a small OpenVPN server with further attributes.
func server(more string) string {
	return `pki "o" {
  subject { common_name = "O" }
  server "server" {}
  client "anna" {}
}
openvpn_server "o" {
  network = "10.8.0.0/24"
  pki     = pki.o
  remote  = "vpn.example.com"
` + more + "\n}\n"
}
