package system

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"
)

// revocable is a host with people on it, one of whom leaves.
const revocable = `
pki "office" {
  subject { common_name = "Acme Corp VPN CA" }
  server "server" {}
  client "alice" {}
  client "guest" { revoked = %t }
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "vpn.example.com"
}
`

// TestRevokedStaysRevoked takes away what knows who was revoked, while the agent
// watches: the list that it makes anew bars them all the same, with a number above
// the last one, and a ledger that is lost and comes back restarts nobody.
func TestRevokedStaysRevoked(t *testing.T) {
	t.Parallel()
	const dir, copied = "/var/lib/vpnd/pki/office", "/etc/openvpn/server/office/crl.pem"
	s := alone(t)
	for _, revoked := range []bool{false, true} {
		s.configure(fmt.Sprintf(revocable, revoked))
		s.apply()
	}
	s.agent()
	before := s.list(copied)
	if len(before.RevokedCertificateEntries) != 1 {
		t.Fatalf("%d certificates are revoked at first", len(before.RevokedCertificateEntries))
	}
	const pid = "systemctl show -P MainPID openvpn-server@office"
	server := s.sh(pid)

	for what, script := range map[string]string{
		"ledger and list":       "mv issued $(mktemp -dp /root) && rm crl.pem",
		"list and copy":         "rm crl.pem " + copied,
		"ledger, list and copy": "mv issued $(mktemp -dp /root) && rm crl.pem " + copied,
	} {
		s.sh("cd " + dir + " && " + script)
		s.shortly(fmt.Sprintf("test -d %s/issued && grep -q END %s/crl.pem && cmp %s/crl.pem %s", dir, dir, dir, copied))
		now := s.list(copied)
		if len(now.RevokedCertificateEntries) != 1 || now.RevokedCertificateEntries[0].SerialNumber.Cmp(before.RevokedCertificateEntries[0].SerialNumber) != 0 {
			t.Errorf("without %s the list bars %+v", what, now.RevokedCertificateEntries)
		}
		if now.Number.Cmp(before.Number) <= 0 {
			t.Errorf("without %s list %s came after list %s", what, now.Number, before.Number)
		}
		before = now
	}

	s.sh("mv " + dir + "/issued /root/away")
	s.shortly("test -n \"$(ls " + dir + "/issued)\"")
	// The agent makes anew what is moved away, perhaps before the old one is there.
	s.sh("for i in 1 2 3 4 5; do mv -T " + dir + "/issued $(mktemp -dp /root)/issued; mv -T /root/away " + dir + "/issued && exit; done; exit 1")
	s.shortly("vpnd plan --detailed-exitcode")
	if now := s.sh(pid); now != server {
		t.Errorf("the server is process %s and was %s", now, server)
	}
}

// list reads a revocation list of the gateway.
func (s scene) list(path string) *x509.RevocationList {
	s.t.Helper()
	block, _ := pem.Decode([]byte(s.sh("cat " + path)))
	if block == nil {
		s.t.Fatalf("%s holds no list", path)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	s.ok(err)
	return list
}
