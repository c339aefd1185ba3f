package system

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// vouched is a server with two people, whose CA is of vpnd's own making.
const vouched = `
pki "office" {
  subject { common_name = "Acme Corp VPN CA" }
  server "server" {}
  client "alice" {}
  client "bob" {}
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "203.0.113.1"
}
`

// TestCertificatesForLife has two people connected while everything is made anew that
// they are let in by, and then has a CA elsewhere sign for one of them, and for the CA of
// the host.
func TestCertificatesForLife(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		l := labtest.Of(t, release)
		o, err := office.Alone(t.Context(), l, vpnd)
		if err != nil {
			t.Fatal(err)
		}
		s := scene{o, t}
		s.configure(vouched)
		s.apply()
		alice, bob := s.person(l, "alice", 11), s.person(l, "bob", 12)
		if release == lab.Bookworm { // the other is asked what its OpenSSL and OpenVPN may see otherwise
			s.liveOn(alice, bob)
		}
		s.succeedsElsewhere(alice, bob)
	})
}

// liveOn has them connected while one thing after the other is made anew.
func (s scene) liveOn(alice, bob person) {
	s.t.Helper()
	both := people{alice, bob}
	for _, p := range both {
		p.profile()
		p.dials("10.8.0.")
	}
	s.locks(bob)
	s.renews(both)
	s.partsWith(alice, bob)
	s.asksElsewhere(alice)
	s.below(alice)
}

// people are several of them.
type people []person

// stay wants each of them to come through, with the profile they have: those who were
// connected, and once more from the beginning.
func (all people) stay(what string) {
	for _, p := range all {
		p.t.Helper()
		p.until(p.name+" comes through after "+what, func() error {
			if err := p.ping("10.8.0.1"); err != nil {
				return errors.New(p.journal())
			}
			return nil
		})
	}
	for _, p := range all {
		p.dials("10.8.0.")
		p.reaches("10.8.0.1")
	}
}

// locks hands a profile out whose key is under a passphrase: who has that comes in, also
// once the connection was lost and nobody types it again, and who has not stays out.
func (s scene) locks(p person) {
	s.t.Helper()
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/root/passphrase", []byte("correct horse #1 \"battery\"\n"), 0o600))
	s.vpnd(0, "client", "export", p.name, "--passphrase-file", "/root/passphrase", "--out", "/root/locked.ovpn")
	locked, err := s.Gateway.ReadFile("/root/locked.ovpn")
	s.ok(err)
	words, err := s.Gateway.ReadFile("/root/passphrase")
	s.ok(err)
	for file, data := range map[string][]byte{"office.conf": append(locked, "askpass office.pass\n"...), "office.pass": words} {
		s.ok(p.host.WriteFile(s.t.Context(), "/etc/openvpn/client/"+file, data, 0o600))
	}
	p.dials("10.8.0.")
	p.reaches("10.8.0.1")
	p.sh("systemctl kill -s USR1 openvpn-client@office")
	p.until("the connection is begun anew", func() error {
		if n := p.sessionsSince("SIGUSR1"); n == 0 {
			return errors.New(p.journal())
		}
		return nil
	})
	p.reaches("10.8.0.1")
	s.ok(p.host.WriteFile(s.t.Context(), "/etc/openvpn/client/office.pass", []byte("another horse\n"), 0o600))
	p.sh("systemctl stop openvpn-client@office; systemctl start openvpn-client@office || true")
	p.until("the key stays shut", func() error {
		if log := p.journal(); !strings.Contains(log, "bad decrypt") {
			return errors.New(log)
		}
		return nil
	})
	p.sh("systemctl stop openvpn-client@office; rm /etc/openvpn/client/office.pass")
	p.profile()
	p.dials("10.8.0.")
}

// sessionsSince is how often somebody has connected since a word was last in the log.
func (p person) sessionsSince(word string) int {
	p.t.Helper()
	log := p.sh("journalctl -u openvpn-client@office -o cat --no-pager")
	return strings.Count(log[max(strings.LastIndex(log, word), 0):], "Initialization Sequence Completed")
}

// renews makes the server's certificate and its key anew, and has a new CA take the place
// of the old one. Nobody needs a new profile for that.
func (s scene) renews(both people) {
	s.t.Helper()
	s.vpnd(0, "pki", "renew", "server", "--yes")
	both.stay("the server has a new certificate")
	s.vpnd(0, "pki", "rekey", "server", "--yes")
	both.stay("the server has a new key")
	told := s.vpnd(0, "pki", "rekey", "--ca", "--yes")
	s.names(told, "disconnects everybody for a moment")
	if strings.Contains(told, "new profile") {
		s.t.Error(told)
	}
	both.stay("a new CA took the place of the old one")
	s.converged()
	s.vpnd(0, "pki", "renew", "server", "--yes")
	s.sh("openssl verify -CAfile /var/lib/vpnd/pki/office/ca-2.crt /var/lib/vpnd/pki/office/certs/server.crt")
	both.stay("the server has a certificate of the new CA")
}

// partsWith gives alice another certificate, and shuts bob out.
func (s scene) partsWith(alice, bob person) {
	s.t.Helper()
	s.names(s.vpnd(0, "pki", "renew", "alice", "--yes"), "Needs a new profile: alice")
	people{alice, bob}.stay("alice has a certificate that she was not given yet")
	alice.profile()
	people{alice, bob}.stay("alice has the new profile")
	s.vpnd(0, "client", "revoke", "bob", "--yes")
	bob.until("he is out", func() error {
		if bob.ping("10.8.0.1") == nil {
			return errors.New("he comes through")
		}
		return nil
	})
	bob.sh("systemctl restart openvpn-client@office")
	bob.until("he is refused", func() error {
		if log := s.run("journalctl", "-u", "openvpn-server@office", "-n", "200", "-o", "cat", "--no-pager"); !strings.Contains(log, "certificate revoked") {
			return errors.New(log)
		}
		return nil
	})
	if address := bob.address(); address != "" {
		s.t.Errorf("bob has %s", address)
	}
	people{alice}.stay("bob was shut out")
}

// asksElsewhere has the PKI of the office given over to a CA of openssl, on this machine:
// requests go out, and what comes back is checked and put in place.
func (s scene) asksElsewhere(alice person) {
	s.t.Helper()
	ca := elsewhere(s.t)
	s.vpnd(0, "destroy", "--yes")
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/acme-ca.crt", ca.read("ca.crt"), 0o644))
	given := strings.Replace(vouched, `subject { common_name = "Acme Corp VPN CA" }`, `ca_certificate = "/etc/acme-ca.crt"`, 1)
	s.configure(strings.Replace(given, `  client "bob" {}`, "", 1))
	s.names(s.vpnd(0, "apply", "--yes"), "wait for a signature of its CA", "waits for a list of its CA")
	s.converged()
	s.vpnd(0, "pki", "export", "--csr", "--out", "/root/out")
	var back []string
	for _, name := range []string{"server", "alice"} {
		csr, err := s.Gateway.ReadFile("/root/out/" + name + ".csr")
		s.ok(err)
		s.ok(s.Gateway.WriteFile(s.t.Context(), "/root/"+name+".crt", ca.sign(name, csr), 0o644))
		back = append(back, "/root/"+name+".crt")
	}
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/root/crl.pem", ca.list(), 0o644))
	s.names(s.vpnd(1, "pki", "sign", "--import", "/etc/acme-ca.crt", "--yes"), "nothing is taken in")
	s.vpnd(0, append([]string{"pki", "sign", "--yes", "--import", "/root/crl.pem"}, back...)...)
	s.converged()
	alice.profile()
	alice.dials("10.8.0.")
	alice.reaches("10.8.0.1")
	s.vpnd(0, "client", "revoke", "alice", "--yes") // of which that CA knows nothing
	alice.until("she is out", func() error {
		if alice.ping("10.8.0.1") == nil {
			return errors.New("she comes through")
		}
		return nil
	})
	s.names(s.vpnd(0, "plan"), "lacks alice, who may not come in any more")
}

// leveled is a server with one person, whose CA stands below a root, as another CA does.
const leveled = `
pki "root" {
  subject { common_name = "Acme Root CA" }
  path_length       = 1
  permitted_domains = ["example.com"]
}
pki "office" {
  parent = pki.root
  subject { common_name = "Acme Office CA" }
  server "vpn.example.com" {}
  client "alice" {}
}
pki "sites" {
  parent = pki.root
  subject { common_name = "Acme Sites CA" }
  client "alice" {}
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "203.0.113.1"
}
`

// below has the CA of the office stand below a root: who has a certificate of it comes
// in, and who has one of another CA below the root does not, whatever their name. Once
// the root has revoked it nobody does.
func (s scene) below(alice person) {
	s.t.Helper()
	s.vpnd(0, "destroy", "--yes")
	s.configure(leveled)
	s.apply()
	s.converged()
	s.verifies("server.crt")
	alice.profile()
	alice.dials("10.8.0.")
	alice.reaches("10.8.0.1")
	alice.poses("/var/lib/vpnd/pki/sites")
	s.refuses(alice, "certificate hash verification failed")
	alice.profile()
	alice.dials("10.8.0.")

	serial := s.run("sh", "-c", "vpnd pki list | sed -n 's/^Acme Office CA  *ca .* \\([0-9a-f]\\{8,\\}\\) .*/\\1/p'")
	s.names(s.vpnd(0, "pki", "revoke", strings.TrimSpace(serial), "--in", "pki.root", "--yes"), "cuts off everybody whose certificate was signed by Acme Office CA", "connected and no longer admitted")
	alice.until("she is out at once", func() error {
		if alice.ping("10.8.0.1") == nil {
			return errors.New("she comes through")
		}
		return nil
	})
	alice.sh("systemctl restart openvpn-client@office")
	s.refuses(alice, "VERIFY ERROR: depth=1, error=certificate revoked: CN=Acme Office CA")
	s.names(s.vpnd(1, "plan"), "has revoked the certificate that stands there")
}

// asked is a server whose CA stands below one elsewhere. Carol has the host of bob, who is
// to come later.
const asked = `
pki "root" {
  ca_certificate = "/etc/acme-root.crt"
}
pki "office" {
  parent = pki.root
  subject { common_name = "Acme Office CA" }
  server "server" {}
  client "alice" {}
  client "carol" {}
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "203.0.113.1"
}
`

// succeedsElsewhere has a new CA take the place of one, for which a CA elsewhere has to
// sign. Until it has, people come and go as before; then nobody needs a new profile.
func (s scene) succeedsElsewhere(alice, bob person) {
	s.t.Helper()
	root, carol := elsewhere(s.t), person{s, bob.host, "carol"}
	s.vpnd(0, "destroy", "--yes")
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/acme-root.crt", root.read("ca.crt"), 0o644))
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/root/list.pem", root.list(), 0o644))
	s.configure(asked)
	s.names(s.vpnd(0, "apply", "--yes"), "waits for a signature of its CA", "waits for a list of its CA")
	s.vpnd(0, "pki", "sign", "--yes", "--import", "/root/list.pem", s.signedBy(root, "office-ca"))
	s.converged()
	for _, p := range []person{alice, carol} {
		p.profile()
		p.dials("10.8.0.")
		p.reaches("10.8.0.1")
	}

	s.names(s.vpnd(0, "pki", "rekey", "--ca", "--in", "pki.office", "--yes"), "waits for a signature of its CA", "until then /var/lib/vpnd/pki/office/ca.crt signs, and all else goes on")
	s.converged()
	people{alice, carol}.stay("the next CA waits for its certificate")
	s.sh("cp /var/lib/vpnd/pki/office/certs/carol.crt /root")
	s.vpnd(0, "client", "revoke", "carol", "--yes")
	carol.sh("systemctl restart openvpn-client@office")
	s.refuses(carol, "certificate revoked")
	s.vpnd(0, "client", "add", "bob", "--yes")
	bob.profile()
	bob.dials("10.8.0.")
	both := people{alice, bob}
	both.stay("one was let in and one shut out meanwhile")

	told := s.vpnd(0, "pki", "sign", "--yes", "--import", s.signedBy(root, "office-ca-2"))
	if strings.Contains(told, "new profile") || strings.Contains(told, "waits for") {
		s.t.Error(told)
	}
	s.converged()
	both.stay("the next CA took the place of the one before")
	s.names(s.sh("cd /etc/openvpn/server/office && ! openssl verify -crl_check_all -no-CAstore -CAfile ca-alone.crt -CApath . -CRLfile crl.pem /root/carol.crt 2>&1"), "certificate revoked")
}

// signedBy has a CA elsewhere sign the request of a CA of the host, and returns where the
// certificate is there.
func (s scene) signedBy(ca outsideCA, name string) string {
	s.t.Helper()
	s.vpnd(0, "pki", "export", "--csr", "--out", "/root/out")
	csr, err := s.Gateway.ReadFile("/root/out/" + name + ".csr")
	s.ok(err)
	to := "/root/" + name + ".crt"
	s.ok(s.Gateway.WriteFile(s.t.Context(), to, ca.sign(name, csr, "-extensions", "inter", "-days", "900"), 0o644))
	return to
}

// verifies has openssl hold a certificate of the server against all that OpenVPN reads.
func (s scene) verifies(name string) {
	s.t.Helper()
	at := outsideCA{s.t, s.t.TempDir()}
	for _, file := range []string{"ca.crt", "crl.pem", name} {
		data, err := s.Gateway.ReadFile("/etc/openvpn/server/office/" + file)
		s.ok(err)
		at.write(file, data)
	}
	at.openssl("verify", "-x509_strict", "-crl_check_all", "-CAfile", "ca.crt", "-CRLfile", "crl.pem", name)
}

// poses takes the certificate, the key and the CA of somebody of the same name in another
// PKI.
func (p person) poses(pki string) {
	p.t.Helper()
	text, err := p.Gateway.ReadFile("/var/lib/vpnd/profiles/office/" + p.name + ".ovpn")
	p.ok(err)
	profile := string(text)
	for tag, files := range map[string]string{"cert": "certs/" + p.name + ".crt ca.crt", "key": "keys/" + p.name + ".key"} {
		before, rest, _ := strings.Cut(profile, "<"+tag+">\n")
		_, after, _ := strings.Cut(rest, "</"+tag+">\n")
		other, err := p.Gateway.Run(p.t.Context(), "sh", "-c", "cd "+pki+" && cat "+files)
		p.ok(err)
		profile = before + "<" + tag + ">\n" + strings.TrimSpace(other) + "\n</" + tag + ">\n" + after
	}
	p.ok(p.host.WriteFile(p.t.Context(), "/etc/openvpn/client/office.conf", []byte(profile), 0o600))
	p.sh("systemctl stop openvpn-client@office; systemctl start openvpn-client@office")
}

// refuses wants the server to say why it lets somebody in no more.
func (s scene) refuses(p person, why string) {
	s.t.Helper()
	p.until("the server says: "+why, func() error {
		if log := s.run("journalctl", "-u", "openvpn-server@office", "-n", "100", "-o", "cat", "--no-pager"); !strings.Contains(log, why) {
			return errors.New(log)
		}
		return nil
	})
	if p.ping("10.8.0.1") == nil {
		s.t.Errorf("%s comes through", p.name)
	}
}

// outsideCA is a CA of openssl in a directory of this machine.
type outsideCA struct {
	*testing.T
	dir string
}

const outsideConfig = `[ca]
default_ca = o
[o]
database = index.txt
unique_subject = no
serial = serial
crlnumber = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 90
default_crl_days = 30
policy = p
copy_extensions = copy
x509_extensions = leaf
crl_extensions = crl
[p]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[inter]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[leaf]
basicConstraints = critical,CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[crl]
authorityKeyIdentifier = keyid:always
`

func elsewhere(t *testing.T) outsideCA {
	t.Helper()
	ca := outsideCA{t, t.TempDir()}
	ca.write("ca.cnf", []byte(outsideConfig))
	ca.write("index.txt", nil)
	ca.write("serial", []byte("1000\n"))
	ca.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=Elsewhere CA", "-keyout", "ca.key", "-out", "ca.crt", "-config", "ca.cnf", "-extensions", "root")
	return ca
}

func (ca outsideCA) write(name string, data []byte) {
	ca.Helper()
	if err := os.WriteFile(filepath.Join(ca.dir, name), data, 0o600); err != nil {
		ca.Fatal(err)
	}
}

func (ca outsideCA) read(name string) []byte {
	ca.Helper()
	data, err := os.ReadFile(filepath.Join(ca.dir, name))
	if err != nil {
		ca.Fatal(err)
	}
	return data
}

func (ca outsideCA) openssl(args ...string) {
	ca.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = ca.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		ca.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

func (ca outsideCA) sign(name string, csr []byte, how ...string) []byte {
	ca.Helper()
	ca.write(name+".csr", csr)
	ca.openssl(append([]string{"ca", "-batch", "-notext", "-config", "ca.cnf", "-in", name + ".csr", "-out", name + ".crt"}, how...)...)
	return ca.read(name + ".crt")
}

func (ca outsideCA) list() []byte {
	ca.Helper()
	ca.openssl("ca", "-batch", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
	return ca.read("crl.pem")
}
