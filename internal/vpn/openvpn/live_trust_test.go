package openvpn

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/nettest"
)

// office is the name of both CAs.
var office = policy.Subject{CommonName: "Acme VPN CA", Organization: "Acme, Inc."}

// signer is one of them.
type signer struct {
	*testing.T
	*x509.Certificate
	key  *ecdsa.PrivateKey
	list *x509.RevocationList

	length int // the path length of CAs that it signs
}

// sign signs a certificate of a name and writes it below the vault.
func (s *signer) sign(file string, name policy.Subject, key *ecdsa.PrivateKey, usage ...x509.ExtKeyUsage) *x509.Certificate {
	s.Helper()
	subject, err := name.Marshal()
	must(s.T, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(s.T, err)
	c := &x509.Certificate{
		SerialNumber: serial, RawSubject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage, BasicConstraintsValid: true,
	}
	if len(usage) == 0 {
		c.IsCA, c.MaxPathLen, c.MaxPathLenZero, c.KeyUsage = true, s.length, s.length == 0, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	}
	if id, err := policy.KeyID(key.Public()); err == nil {
		c.SubjectKeyId = id
	}
	by, with := s.Certificate, s.key
	if by == nil {
		by, with = c, key
	}
	c.AuthorityKeyId = by.SubjectKeyId // which crypto/x509 leaves out where both have one name
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), with)
	must(s.T, err)
	write(s.T, filepath.Join(vault, file), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
	parsed, err := x509.ParseCertificate(der)
	must(s.T, err)
	return parsed
}

// person makes a key and a certificate for it.
func (s *signer) person(directory, name string, usage x509.ExtKeyUsage) *x509.Certificate {
	s.Helper()
	key := newKey(s.T)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(s.T, err)
	write(s.T, filepath.Join(vault, directory, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
	return s.sign(directory+"/"+name+".crt", policy.Subject{CommonName: name}, key, usage)
}

// bar writes a list of who is revoked, a second later than the one before.
func (s *signer) bar(file string, all ...*x509.Certificate) {
	s.Helper()
	if s.list == nil {
		s.list = &x509.RevocationList{Number: new(big.Int), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	}
	s.list.Number.Add(s.list.Number, big.NewInt(1))
	s.list.ThisUpdate = s.list.ThisUpdate.Add(time.Second)
	for _, c := range all {
		s.list.RevokedCertificateEntries = append(s.list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	list, err := x509.CreateRevocationList(rand.Reader, s.list, s.Certificate, s.key)
	must(s.T, err)
	write(s.T, filepath.Join(vault, file), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}), 0o644)
}

func newSigner(t *testing.T, file string) *signer {
	s := &signer{T: t, key: newKey(t)}
	s.Certificate = s.sign(file, office, s.key)
	return s
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// succeeded is a server whose CA took the place of another one of the same name.
func succeeded(t *testing.T) *Server {
	t.Helper()
	s := today()
	s.Remote, s.Log, s.Listen = word("127.0.0.1"), nil, []string{"udp/1194"}
	hash, err := office.Hash()
	must(t, err)
	s.PKI.Certificate, s.PKI.CRL, s.PKI.Hash = vault+"/ca-2.crt", vault+"/crl-2.pem", hash
	s.PKI.Trusted, s.PKI.Lists = []string{vault + "/ca-2.crt", vault + "/ca.crt"}, []string{vault + "/crl-2.pem", vault + "/crl.pem"}
	return s
}

// TestPeopleOfBothCAsComeIn is a server whose CA took the place of another one of the same
// name, and whose own certificate is of the new one. It lets in who knows the old one
// only, and whom the new one signed for, and refuses of both who is revoked.
func TestPeopleOfBothCAsComeIn(t *testing.T) {
	nettest.Need(t)
	s := succeeded(t)
	s.PKI.Links = []string{vault + "/link-2.crt"}
	var before, now *signer
	var tpham, anna *x509.Certificate
	room := materialiseWith(t, s, func(t *testing.T) {
		before, now = newSigner(t, "ca.crt"), newSigner(t, "ca-2.crt")
		before.sign("link-2.crt", office, now.key)
		now.person("servers", "server", x509.ExtKeyUsageServerAuth)
		tpham, anna = before.person("clients", "tpham", x509.ExtKeyUsageClientAuth), now.person("clients", "anna", x509.ExtKeyUsageClientAuth)
		before.bar("crl.pem")
		now.bar("crl-2.pem")
	})
	forget(t, filepath.Join(room, "tpham.ovpn"), vault+"/ca-2.crt")
	if err := openvpn.Validate(context.Background(), root+"/office.conf"); err != nil {
		t.Fatal(err)
	}
	people := doorway{s, room}
	t.Run("one by one", func(t *testing.T) {
		people.come(t, []entrance{
			{func() {}, nil},
			{func() { before.bar("crl.pem", tpham) }, map[string]string{"tpham": "certificate revoked"}},
			{func() { now.bar("crl-2.pem") }, map[string]string{"tpham": "certificate revoked"}},
			{func() { now.bar("crl-2.pem", anna) }, map[string]string{"tpham": "certificate revoked", "anna": "certificate revoked"}},
		})
	})
	// No list is made anew of a CA of which nothing is good. It is nobody else's loss.
	now.list, before.list.NextUpdate = nil, time.Now().Add(-time.Minute)
	before.bar("crl.pem")
	now.bar("crl-2.pem")
	t.Run("after its last list", func(t *testing.T) {
		people.come(t, []entrance{{func() {}, map[string]string{"tpham": "CRL has expired"}}})
	})
}

// entrance is who is let in once something has happened.
type entrance struct {
	first   func()
	refused map[string]string // and why
}

// doorway is a server with its profiles.
type doorway struct {
	*Server
	profiles string
}

// come starts the server and has both people dial at each entrance.
func (d doorway) come(t *testing.T, all []entrance) {
	list(t, d.Server)
	server := start(t, "--cd", root, "--config", "office.conf")
	server.waitFor(t, "Initialization Sequence Completed")
	for _, e := range all {
		e.first()
		list(t, d.Server)
		for _, name := range []string{"tpham", "anna"} {
			t.Run(name, func(t *testing.T) {
				client := start(t, "--config", filepath.Join(d.profiles, name+".ovpn"), "--ifconfig-noexec", "--route-noexec", "--connect-timeout", "5")
				if why, is := e.refused[name]; is {
					server.waitFor(t, "error="+why)
				} else {
					client.waitFor(t, "Initialization Sequence Completed")
				}
			})
		}
	}
}

// forget makes a profile that knows nothing of a CA.
func forget(t *testing.T, profile, ca string) {
	t.Helper()
	text, err := os.ReadFile(profile)
	must(t, err)
	cert, err := os.ReadFile(ca)
	must(t, err)
	less := bytes.Replace(text, cert, nil, 1)
	if len(less) == len(text) {
		t.Fatalf("%s does not hold %s", profile, ca)
	}
	write(t, profile, less, 0o600)
}

// list puts the lists in place as the server reads them. OpenVPN looks at the time of the
// file, in seconds, and at its size.
func list(t *testing.T, s *Server) {
	t.Helper()
	for _, r := range expand(t, s) {
		if !strings.HasSuffix(r.ID.Name, "/office/crl.pem") {
			continue
		}
		was, err := os.Stat(r.ID.Name)
		must(t, err)
		write(t, r.ID.Name, assemble(t, append(s.PKI.ListParts(), s.PKI.ListsAbove()...)), 0o644)
		must(t, os.Chtimes(r.ID.Name, time.Time{}, was.ModTime().Add(time.Second)))
	}
}

// below is a CA of that name that this one signs.
func (s *signer) below(file string, name policy.Subject) *signer {
	s.Helper()
	other := &signer{T: s.T, key: newKey(s.T)}
	other.Certificate = s.sign(file, name, other.key)
	return other
}

// TestWhoComesInBelowARoot is a server whose CA stands below a root and took the place of
// another one there. People of both come in, and nobody of another CA below the root, nor
// of the root itself. One whose CA the root has revoked is refused.
func TestWhoComesInBelowARoot(t *testing.T) {
	nettest.Need(t)
	s := succeeded(t)
	s.PKI.Above = []pki.Level{{Name: "root", Ledger: vault + "/root", Trusted: []string{vault + "/root.crt"}, Lists: []string{vault + "/root.pem"}}}
	var root, before, now, sites *signer
	room := materialiseWith(t, s, func(t *testing.T) {
		root = &signer{T: t, key: newKey(t), length: 1}
		root.Certificate = root.sign("root.crt", policy.Subject{CommonName: "Root"}, root.key)
		root.length = 0
		before, now = root.below("ca.crt", office), root.below("ca-2.crt", office)
		sites = root.below("sites.crt", policy.Subject{CommonName: "Sites"})
		now.person("servers", "server", x509.ExtKeyUsageServerAuth)
		before.person("clients", "tpham", x509.ExtKeyUsageClientAuth)
		now.person("clients", "anna", x509.ExtKeyUsageClientAuth)
		sites.person("sites", "anna", x509.ExtKeyUsageClientAuth)
		root.person("direct", "anna", x509.ExtKeyUsageClientAuth)
		root.bar("root.pem")
		before.bar("crl.pem")
		now.bar("crl-2.pem")
	})
	if err := openvpn.Validate(context.Background(), "/etc/openvpn/server/office.conf"); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(read(t, filepath.Join(room, "tpham.ovpn")), []byte("BEGIN CERTIFICATE")); n != 2 {
		t.Fatalf("the profile has %d certificates, and the root and its own would do", n)
	}
	server := start(t, "--cd", "/etc/openvpn/server", "--config", "office.conf")
	server.waitFor(t, "Initialization Sequence Completed")
	comes := func(name, as, refused string) {
		t.Helper()
		args := []string{"--config", filepath.Join(room, name+".ovpn"), "--ifconfig-noexec", "--route-noexec", "--connect-timeout", "5"}
		if as != "" {
			both := slices.Concat(read(t, vault+"/"+as+"/anna.crt"), read(t, vault+"/sites.crt"))
			write(t, vault+"/"+as+"/chain.crt", both, 0o644)
			args = append(args, "--cert", vault+"/"+as+"/chain.crt", "--key", vault+"/"+as+"/anna.key")
		}
		client := start(t, args...)
		if refused != "" {
			server.waitFor(t, refused)
		} else {
			client.waitFor(t, "Initialization Sequence Completed")
		}
	}
	comes("tpham", "", "")
	comes("anna", "", "")
	comes("anna", "sites", unpinned(sites))
	comes("anna", "direct", unpinned(root))
	root.bar("root.pem", before.Certificate)
	list(t, s)
	comes("tpham", "", "VERIFY ERROR: depth=1, error=certificate revoked")
	comes("anna", "", "")
}

// unpinned is how OpenVPN refuses what a CA has signed that it is not told of.
func unpinned(s *signer) string {
	sum := sha256.Sum256(s.Raw)
	return "certificate hash verification failed. (got certificate fingerprint: " + strings.ReplaceAll(fmt.Sprintf("% x", sum), " ", ":")
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	return data
}
