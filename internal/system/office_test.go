package system

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// besides is what the office's gateway has in these tests that the example
// does not have.
const besides = `
unit "ssh.service" {
  active = true
  dropin "50-limits" { content = "[Service]\nLimitNOFILE=4096\n" }
}
file "/etc/acme/motd" {
  content    = "Welcome\n"
  depends_on = [directory["/etc/acme"]]
}
directory "/etc/acme" {}
`

// TestOffice tells the life of the first host that vpnd was made for, on both
// backends of iptables. One after the other: four hosts at a time are enough
// for a kernel that grants all hosts together 128 inotify instances.
func TestOffice(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{"nft", "legacy"} {
		t.Run(backend, func(t *testing.T) { day(t, backend) })
	}
}

func day(t *testing.T, backend string) {
	l := labtest.For(t, 4, lab.Bookworm)
	o, err := office.Open(t.Context(), l, vpnd, "../../examples/openvpn-gateway")
	if err != nil {
		t.Fatal(err)
	}
	s := scene{o, t}
	s.ok(s.Gateway.UseIPTables(t.Context(), backend))
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/besides.hcl", []byte(besides), 0o600))
	s.ok(s.Foreigners(t.Context()))
	first := s.print()

	s.vpnd(2, "plan", "--detailed-exitcode")
	s.as(first, "planning")
	s.apply()

	phone := labtest.Host(t, l, "phone")
	s.ok(l.Join("internet", phone, "eth0", netip.MustParsePrefix("203.0.113.11/24")))
	alice := scene{&office.Office{Gateway: s.Gateway, Laptop: phone, Intranet: s.Intranet}, t}
	s.ok(s.Connect(t.Context(), "tpham"))
	s.ok(s.Reach(t.Context()))
	s.ok(alice.Connect(t.Context(), "alice"))
	s.ok(alice.Reach(t.Context()))
	s.names(labtest.Run(t, phone, "ip", "-4", "-br", "addr", "show", "dev", "tun0"), "10.8.0.200")

	t.Run("mischief", func(t *testing.T) { repairsMischief(s.in(t)) })
	t.Run("clients", func(t *testing.T) { comesAndGoes(s.in(t), alice.in(t)) })

	s.follows(backend)
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
	s.names(s.sh("vpnd show | wc -l"), "0")
}

// follows has the host's iptables linked to the other backend and back: the rules
// of vpnd move, and are in none of them once they are destroyed.
func (s scene) follows(backend string) {
	s.t.Helper()
	other := map[string]string{"nft": "legacy", "legacy": "nft"}[backend]
	s.ok(s.Gateway.UseIPTables(s.t.Context(), other))
	s.apply()
	count := "iptables-%s-save | grep -c -e '-j VPND' || true"
	left, moved := s.sh(fmt.Sprintf(count, backend)), s.sh(fmt.Sprintf(count, other))
	if strings.TrimSpace(left) != "0" || strings.TrimSpace(moved) == "0" {
		s.t.Errorf("of vpnd's rules %s stayed and %s moved", left, moved)
	}
	s.ok(s.Gateway.UseIPTables(s.t.Context(), backend))
}

// mischiefs are those of the demo and meaner ones.
func mischiefs() []office.Mischief {
	sh := func(words, script, named string) office.Mischief {
		return office.Mischief{Words: words, Argv: []string{"sh", "-c", script}, Named: named}
	}
	return append(office.Mischiefs(),
		sh("makes the key of the CA readable to all", "chmod 0644 /var/lib/vpnd/pki/office/ca.key", `private_key["/var/lib/vpnd/pki/office/ca.key"]`),
		sh("widens a rule and keeps its comment", `set -- $(iptables -S VPND-GW-office-END | grep -- '-d 10.8.0.0/24' | sed 's/^-A VPND-GW-office-END//; s,10.8.0.0/24,10.8.0.0/32,'); iptables -R VPND-GW-office-END 2 "$@"`, `chain["ip/filter/VPND-GW-office-END"]`),
		sh("adds a rule to a chain", "iptables -I VPND-office-IN -p tcp --dport 23 -j ACCEPT", `chain["ip/filter/VPND-office-IN"]`),
		sh("takes a jump away", "iptables -D FORWARD -j VPND-GW-office", `chain["ip/filter/VPND-GW-office"]`),
		sh("adds a second jump", "iptables -A FORWARD -j VPND-GW-office", `chain["ip/filter/VPND-GW-office"]`),
		sh("takes a jump of IPv6 away", "ip6tables -D OUTPUT -j VPND-office-OUT", `chain["ip6/filter/VPND-office-OUT"]`),
		sh("jumps in before a jump", "iptables -I INPUT -s 192.0.2.66 -j ACCEPT", `chain["ip/filter/VPND-office-IN"]`),
		sh("deletes a file", "rm /etc/openvpn/server/office/ccd/alice", `file["/etc/openvpn/server/office/ccd/alice"]`),
		sh("deletes a certificate", "rm /var/lib/vpnd/pki/office/certs/server.crt", `certificate["/var/lib/vpnd/pki/office/certs/server.crt"]`),
		sh("deletes a profile", "rm /var/lib/vpnd/profiles/office/tpham.ovpn", `assembled_file["/var/lib/vpnd/profiles/office/tpham.ovpn"]`),
		sh("puts a symlink in the place of a file", "mv /etc/acme/motd /root/motd && ln -s /root/motd /etc/acme/motd", `file["/etc/acme/motd"]`),
		sh("edits a drop-in", "echo LimitNOFILE=1 >> /etc/systemd/system/ssh.service.d/50-limits.conf", `unit["ssh.service"]`),
		sh("deletes a drop-in", "rm /etc/systemd/system/openvpn-server@office.service.d/vpnd.conf", `unit["openvpn-server@office.service"]`),
		sh("disables the server", "systemctl disable -q openvpn-server@office", `unit["openvpn-server@office.service"]`),
		sh("masks the server", "systemctl mask -q openvpn-server@office", `unit["openvpn-server@office.service"]`),
		sh("empties the revocation list", "openssl ecparam -name prime256v1 -genkey -noout > /var/lib/vpnd/pki/office/crl.pem", `crl["/var/lib/vpnd/pki/office/crl.pem"]`),
		sh("has another value at boot", "rm /etc/sysctl.d/*vpnd*", `sysctl["net.ipv4.ip_forward"]`),
	)
}

// repairsMischief does each mischief by itself: it is named, repaired, and then
// gone.
func repairsMischief(s scene) {
	before := s.print()
	for _, m := range mischiefs() {
		s.t.Run(strings.ReplaceAll(m.Words, " ", "_"), func(t *testing.T) {
			s := s.in(t)
			s.run(m.Argv...)
			s.names(s.vpnd(3, "drift"), m.Named)
			s.vpnd(0, "apply", "--yes")
			s.names(s.vpnd(0, "drift"), "No drift")
			s.tidy(m)
			if is := settled(s.print()); is != settled(before) {
				t.Errorf("after %q was repaired, this differs:\n%s", m.Words, office.Diff(settled(before), is))
			}
		})
	}
}

// tidy takes away what a mischief leaves that is none of vpnd's business.
func (s scene) tidy(m office.Mischief) {
	s.t.Helper()
	switch m.Words {
	case "flushes the nat table":
		s.ok(s.Docker(s.t.Context()))
	case "jumps in before a jump":
		s.run("iptables", "-D", "INPUT", "-s", "192.0.2.66", "-j", "ACCEPT")
	case "puts a symlink in the place of a file":
		s.run("rm", "-f", "/root/motd")
	}
}

// settled leaves out of a print what may differ after a repair: the serial
// numbers of certificates, and where a jump stands among those of others.
func settled(text string) string {
	lines := strings.Split(text, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		for _, word := range []string{"/server/office/server.crt", "/server/office/crl.pem", "/issued/", "pki/office/issued"} {
			if strings.Contains(line, word) {
				return true
			}
		}
		return false
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// comesAndGoes revokes a client and admits another, which costs nobody else
// the connection.
func comesAndGoes(s, alice scene) {
	ctx := s.t.Context()
	s.ok(s.Dial(ctx))
	s.ok(alice.Dial(ctx))
	server := s.sh("systemctl show -p MainPID --value openvpn-server@office")
	listed := s.vpnd(0, "client", "list")
	s.names(listed, "203.0.113.11:", "10.8.0.200")
	from := regexp.MustCompile(`203\.0\.113\.11:\d+`).FindString(listed)
	s.names(s.vpnd(0, "client", "show", "alice"), "to openvpn_server.office since 20", "from "+from, " in, ", " out")
	s.vpnd(0, "client", "disconnect", "alice")
	s.lacks(s.vpnd(0, "client", "list"), from)
	s.ok(alice.Dial(ctx)) // who may
	sessions := alice.sessions()

	s.ok(s.Edit(ctx, "vpn.hcl", `client "tpham" {}`, `client "tpham" { revoked = true }`))
	s.names(s.apply(), "Cost: disconnects one client")
	s.refused()

	s.ok(s.Edit(ctx, "vpn.hcl", `client "alice" {}`, "client \"alice\" {}\n  client \"bob\" {}"))
	s.names(s.apply(), "nobody who is connected notices")
	s.ok(s.Connect(ctx, "bob"))
	s.ok(s.Reach(ctx))

	if now := s.sh("systemctl show -p MainPID --value openvpn-server@office"); now != server {
		s.t.Errorf("the server was process %s and is now %s", server, now)
	}
	if now := alice.sessions(); now != sessions {
		s.t.Errorf("alice had connected %s times and now %s times", sessions, now)
	}
	s.ok(alice.Reach(ctx))
	s.ok(s.Hangup(ctx))
	s.ok(alice.Hangup(ctx))
}

// sessions is how often the laptop has connected.
func (s scene) sessions() string {
	s.t.Helper()
	return strings.TrimSpace(labtest.Run(s.t, s.Laptop, "sh", "-c", "journalctl -u openvpn-client@office -o cat | grep -c 'Initialization Sequence Completed'"))
}

// refused dials and wants the server to say that the certificate is revoked.
func (s scene) refused() {
	s.t.Helper()
	s.ok(s.Hangup(s.t.Context()))
	s.run("sh", "-c", ": > /var/log/openvpn.log")
	labtest.Run(s.t, s.Laptop, "systemctl", "restart", "openvpn-client@office")
	s.soon("the server says that the certificate is revoked", func(ctx context.Context) error {
		_, err := s.Gateway.Run(ctx, "grep", "-q", "certificate revoked", "/var/log/openvpn.log")
		return err
	})
	if out, err := s.Laptop.Run(s.t.Context(), "ip", "-4", "-br", "addr", "show", "dev", "tun0"); err == nil && strings.Contains(out, "10.8.0.") {
		s.t.Errorf("a revoked client has an address: %s", out)
	}
	s.ok(s.Hangup(s.t.Context()))
}

// soon waits for something to become true.
func (s scene) soon(what string, check func(context.Context) error) {
	s.t.Helper()
	var err error
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = check(s.t.Context()); err == nil {
			return
		}
	}
	s.t.Fatalf("it did not come about that %s: %v", what, err)
}
