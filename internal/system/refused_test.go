package system

import (
	"strings"
	"testing"
	"time"
)

// refused are mistakes that only the host can tell, each with the line that is
// wrong in a configuration of which it is all, and what the plan says.
var refused = []mistake{
	{"a digest", edited(`digest = "SHA265"`), "vpn.hcl:10", []string{"digest", "SHA265", "write SHA256"}},
	{"a cipher", edited(`data_ciphers = ["AES-256-GCM", "AES-265-GCM"]`), "vpn.hcl:10", []string{"AES-265-GCM"}},
	{"a fallback", edited(`data_ciphers_fallback = "ARIA-128-FOO"`), "vpn.hcl:10", []string{"ARIA-128-FOO"}},
	{"ciphers of TLS", edited(`tls { ciphers = ["TLS-NOPE"] }`), "vpn.hcl:10", []string{"TLS-NOPE"}},
	{"suites", edited(`tls { ciphersuites = ["TLS_AES_256_GCM_SHA385"] }`), "vpn.hcl:10", []string{"TLS_AES_256_GCM_SHA384"}},
	{"groups", edited(`tls { groups = ["X25519", "X448", "P-2566"] }`), "vpn.hcl:10", []string{"P-2566"}},
	{"an unknown directive", edited(`options = ["tcp-queue-limit 128", "no-such-directive 1"]`), "vpn.hcl:10", []string{"no-such-directive"}},
	{"a combination of directives", edited(`options = ["tls-version-max 1.1"]`), "vpn.hcl:6", []string{"tls-version-min bigger than --tls-version-max"}},
	{"port-share on UDP", edited(`options = ["port-share 127.0.0.1 443"]`), "vpn.hcl:10", []string{"only TCP"}},
	{"port-share with a service", edited("listen = [\"tcp/443\"]\noptions = [\"port-share 127.0.0.1 htps\"]"), "vpn.hcl:11", []string{`here is no service "htps"`}},
	{"a program", edited(`options = ["script-security 2", "up \"/opt/nowhere.sh now\""]`), "vpn.hcl:10", []string{"here is no /opt/nowhere.sh"}},
	{"a plugin", edited(`options = ["plugin /opt/nowhere.so"]`), "vpn.hcl:10", []string{"here is no /opt/nowhere.so"}},
	{"a user of the management socket", edited(`options = ["management-client-user nobdy"]`), "vpn.hcl:10", []string{`no user "nobdy"`}},
	{"certificates besides", edited(`options = ["extra-certs /opt/nowhere.crt"]`), "vpn.hcl:10", []string{"here is no /opt/nowhere.crt"}},
	{"a user", edited(`user = "nobdy"`), "vpn.hcl:10", []string{`no user "nobdy"`}},
	{"a group", edited(`group = "nobody"`), "vpn.hcl:10", []string{`no group "nobody"`, "nogroup"}},
	{"a directory for the log", edited(`log = "/var/log/nowhere/o.log"`), "vpn.hcl:10", []string{"no directory /var/log/nowhere"}},
	{"an address to listen on", edited(`listen = ["udp/192.0.2.77:1194"]`), "vpn.hcl:10", []string{"nterface has the address 192.0.2.77", "10.0.0.1"}},
	{"a port that is taken", edited(`listen = ["tcp/22"]`), "vpn.hcl:10", []string{"he port is taken: sshd (process ", " of ssh.service) listens on tcp/0.0.0.0:22"}},
	{"a tun that is taken", edited(`dev = "tun77"`), "vpn.hcl:10", []string{"he interface tun77 is taken by openvpn", "openvpn-server@theirs.service"}},
	{"an interface that is no tun", edited(`dev = "eth0"`), "vpn.hcl:10", []string{"eth0", "no tun"}},
	{"the network of the LAN", strings.Replace(edited(""), "10.8.0.0/24", "10.0.0.0/24", 1), "vpn.hcl:7", []string{"10.0.0.0/24 lies inside of 10.0.0.0/16, the network of eth0"}},
	{"a route of the host", strings.Replace(edited(""), "10.8.0.0/24", "10.55.0.0/24", 1), "vpn.hcl:7", []string{"10.55.0.0/24 is 10.55.0.0/24, a route of this host"}},
	{"a network of a client", edited(`client "anna" { routes = ["203.0.113.0/24"] }`), "vpn.hcl:10", []string{"the network of wan0"}},
	{"groups as a network", strings.Replace(edited(""), "10.8.0.0/24", "224.1.0.0/24", 1), "vpn.hcl:7", []string{"groups of hosts"}},
	{"DNS of each client itself", edited(`push { dns = ["127.0.0.53"] }`), "vpn.hcl:10", []string{"127.0.0.53 is each client itself"}},
	{"a remote of the other family", strings.Replace(edited(""), "vpn.example.com", "2001:db8::1", 1), "vpn.hcl:9", []string{"another family"}},
	{"an uplink", gateway("ens18", ""), "vpn.hcl:2", []string{"o interface ens18 here; the default route uses wan0"}},
	{"an address for NAT", gateway("eth0", `nat = "192.0.2.7"`), "vpn.hcl:4", []string{"nterface has the address 192.0.2.7"}},
	{"a gateway into the VPN", edited("") + gateway("tun0", ""), "vpn.hcl:13", []string{"tun0 is the device of openvpn_server.o"}},
	{"two gateways", gateway("eth0", "") + strings.Replace(gateway("eth0", ""), `"g"`, `"h"`, 1), "vpn.hcl:8", []string{"also served by gateway.g"}},
	{"one switch under two names", gateway("eth0", "") + `sysctl "net.ipv4.conf.all.forwarding" { value = "0" }`, "vpn.hcl:6", []string{"one switch of the kernel under two names"}},
	{"a unit", `unit "no-such.service" { active = true }`, "vpn.hcl:1", []string{"no unit no-such.service"}},
	{"a drop-in", `unit "ssh.service" {
  dropin "x" { content = "[Service]\nRestart=sometimes\n" }
}`, "vpn.hcl:1", []string{"sometimes"}},
	{"a package", `package "no-such-package-of-debian" {}`, "vpn.hcl:1", []string{"o source of packages has it"}},
	{"an owner", `file "/root/x" { owner = "nobdy" }`, "vpn.hcl:1", []string{`no user "nobdy"`}},
	{"a group of a directory", `directory "/root/x" { group = "nobdy" }`, "vpn.hcl:1", []string{`no group "nobdy"`}},
	{"a directory", `file "/root/nowhere/x" {}`, "vpn.hcl:1", []string{"/root/nowhere does not exist"}},
	{"a directory that is a file", `file "/etc/passwd/x" { content = "x" }`, "vpn.hcl:1", []string{"/etc/passwd is no directory"}},
	{"a key beside a server", server("") + `sysctl "net.ipv4.conf.all.frwarding" { value = "1" }`, "vpn.hcl:12", []string{"no such key"}},
	{"a range of the kernel", `sysctl "net.ipv4.tcp_syncookies" { value = "9999999999999" }`, "vpn.hcl:1", []string{"does not accept"}},
	{"too few numbers", `sysctl "net.ipv4.tcp_rmem" { value = "4096 87380" }`, "vpn.hcl:1", []string{"as many numbers (3)"}},
	{"a key of the kernel", `sysctl "net.ipv4.ip_forwrad" { value = "1" }`, "vpn.hcl:1", []string{"no such key"}},
	{"a value of the kernel", `sysctl "net.ipv4.ip_default_ttl" { value = "on" }`, "vpn.hcl:1", []string{"write a number"}},
	{"a key that can't be written", `sysctl "kernel.osrelease" { value = "7" }`, "vpn.hcl:1", []string{"read"}},
	{"an interface of a key", `sysctl "net.ipv4.conf.ens18.rp_filter" { value = "1" }`, "vpn.hcl:1", []string{"no interface ens18"}},
	{"a device of a route", `route "10.97.0.0/16" { dev = "ens18" }`, "vpn.hcl:1", []string{"no interface ens18"}},
	{"a next hop", `route "10.97.0.0/16" { via = "198.51.100.1" }`, "vpn.hcl:1", []string{"o interface has a network with the next hop"}},
	{"a device of a route beside a server", server("") + `route "10.97.0.0/16" { dev = "tun9" }`, "vpn.hcl:12", []string{"no interface tun9"}},
	{"a route before its tun", "route \"10.97.0.0/16\" { dev = \"tun9\" }\ntun \"tun9\" { addresses = [\"10.98.0.1/24\"] }", "vpn.hcl:1", []string{"tun.tun9 brings it, but comes after this one", "name tun.tun9 in depends_on"}},
	{"an owner beside a server", server("") + `file "/root/x" { owner = "nobdy" }`, "vpn.hcl:12", []string{`no user "nobdy"`}},
	{"a command that refuses", `file "/root/x.sh" {
  content  = "if then"
  validate = ["sh", "-n", "{}"]
}`, "vpn.hcl:2", []string{"sh refuses the new content", "yntax error"}},
	{"a command that is not there", `file "/root/x.sh" {
  validate = ["shellchekc", "{}"]
  content  = "true"
}`, "vpn.hcl:2", []string{"here is no command shellchekc"}},
	{"a user of a tun", `tun "tun9" { user = "nobdy" }`, "vpn.hcl:1", []string{`no user "nobdy"`}},
}

// edited is a server that runs, with a line more.
func edited(line string) string { return server(line) }

func gateway(uplink, more string) string {
	return "gateway \"g\" {\n  uplink = \"" + uplink + "\"\n  networks = [\"10.8.0.0/24\"]\n" + more + "\n}\n"
}

// TestWhatTheHostWouldRefuseIsNotPlanned plans what can't be on a host with a
// server that runs: each mistake is told by the plan with its place and a way out,
// and nothing is touched.
func TestWhatTheHostWouldRefuseIsNotPlanned(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.sh(`ip route add default via 203.0.113.10 dev wan0; ip route add 10.55.0.0/24 via 10.0.0.2
printf 'dev tun77\nsecret /etc/openvpn/server/theirs.key\ncipher AES-256-CBC\nproto udp\nlport 7777\n' >/etc/openvpn/server/theirs.conf
openvpn --genkey secret /etc/openvpn/server/theirs.key; systemctl start openvpn-server@theirs; until ip link show tun77; do sleep 0.1; done`)
	s.configure(server(""))
	s.apply()
	const state = "sha256sum /var/lib/vpnd/*.jsonl; find /var/lib/vpnd; systemctl show -P InvocationID openvpn-server@o"
	before, recorded := s.print(), s.sh(state)
	for _, m := range refused {
		t.Run(m.name, func(t *testing.T) {
			s := s.in(t)
			s.configure(m.text)
			s.names(s.vpnd(1, "plan"), append(m.says, m.place)...)
		})
	}
	t.Run("an apply", func(t *testing.T) {
		s := s.in(t)
		s.configure(server(`digest = "SHA265"`))
		s.names(s.vpnd(1, "apply", "--yes"), "vpn.hcl:10", "SHA265")
	})
	s.as(before, "plans of what can't be")
	if now := s.sh(state); now != recorded {
		t.Errorf("the state or the server was touched:\n%s\n%s", recorded, now)
	}
	s.configure(server(`data_ciphers = ["AES-256-GCM", "?NO-SUCH-CIPHER"]`) + gateway("eth0", ""))
	s.apply()
}

// TestAServerThatDoesNotStartRunsAsBefore changes a server so that it does not
// start, for a reason that nobody can see before: it runs again as before, what it
// said is told, and whoever was revoked in the same apply stays out.
func TestAServerThatDoesNotStartRunsAsBefore(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.configure(server(""))
	s.apply()
	const config = "/etc/openvpn/server/o.conf"
	const has = "cat " + config + "; iptables -S VPND-OVPN-o; grep '^remote ' /var/lib/vpnd/profiles/o/anna.ovpn"
	was := s.sh(has)
	broken := strings.Replace(server(`listen = ["udp/1195"]
options = ["script-security 2", "up /bin/false"]`), `client "anna" {}`, `client "anna" {}
  client "bert" { revoked = true }`, 1)
	s.configure(broken)
	out := s.vpnd(1, "apply", "--yes")
	s.names(out, "Its last words:", "/bin/false", "It runs again with what it ran with before, which was put back", config, "VPND-OVPN-o")
	s.agent() // leaves it so
	s.within(30*time.Second, "the agent has looked", `vpnd status --json | grep -q '"ready": true'`)
	if is := s.sh(has); is != was {
		t.Errorf("the server has\n%s\ninstead of\n%s", is, was)
	}
	s.run("sh", "-c", "systemctl is-active openvpn-server@o && ss -lnu | grep -q :1194")
	s.names(s.vpnd(2, "plan", "--detailed-exitcode"), config, "1195")
	s.configure(server(`listen = ["udp/1195"]`))
	s.apply()
	s.run("sh", "-c", "systemctl is-active openvpn-server@o && ss -lnu | grep -q :1195")
}
