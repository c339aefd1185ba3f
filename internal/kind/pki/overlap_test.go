package pki

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/overlap"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// succession is a CA whose place another one takes.
type succession struct {
	*room
	ca, link       Certificate
	oldList, list  CRL
	trusted, chain AssembledFile
}

func newSuccession(t *testing.T) *succession {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	subject := &policy.Subject{CommonName: "Acme VPN CA", Organization: "Acme, Inc."}
	return &succession{
		room:    r,
		ca:      Certificate{Key: p("/pki/ca-2.key"), Usage: p(policy.UsageCA), Subject: subject, Validity: p(3650 * resource.Day)},
		link:    Certificate{Key: p("/pki/ca-2.key"), Usage: p(policy.UsageCA), Subject: subject, Validity: p(3650 * resource.Day), Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Overlap: p("/pki/issued")},
		oldList: CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Overlap: p(true)},
		list:    CRL{Issuer: p("/pki/ca-2.crt"), IssuerKey: p("/pki/ca-2.key"), Ledger: p("/pki/issued")},
		trusted: AssembledFile{Parts: []Part{{File: p("/pki/ca-2.crt")}, {File: p("/pki/ca.crt"), Overlap: p("/pki/issued")}}},
		chain:   AssembledFile{Parts: []Part{{File: p("/pki/s.crt")}, {File: p("/pki/link.crt"), Overlap: p("/pki/issued"), CA: p("/pki/ca.crt")}}},
	}
}

// later is a wish for a certificate of the new CA, where what the old one signed stands.
func (s *succession) later(name, usage string) Certificate {
	want := leaf(name, usage)
	want.Issuer, want.IssuerKey, want.Former = p("/pki/ca-2.crt"), p("/pki/ca-2.key"), []string{"/pki/ca.crt"}
	return want
}

func (s *succession) members(names ...string) {
	s.Helper()
	s.oldList.Members, s.list.Members = names, names
	makeIt(s.room, newCRLs(s.Host), "/pki/crl.pem", s.oldList)
	makeIt(s.room, newCRLs(s.Host), "/pki/crl-2.pem", s.list)
}

// What the old CA signed stands, and what is revoked stays so, until the last of it has
// run out. Then nothing is left to be done for it, and no file is made anew for that.
func TestOneCATakesThePlaceOfAnother(t *testing.T) {
	s := newSuccession(t)
	for _, name := range []string{"s", "a", "gone"} {
		makeIt(s.room, newPrivateKeys(s.Host), "/pki/"+name+".key", PrivateKey{})
		makeIt(s.room, newCertificates(s.Host), "/pki/"+name+".crt", leaf(name, policy.UsageServer))
	}
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/ca-2.key", PrivateKey{})
	makeIt(s.room, newCertificates(s.Host), "/pki/ca-2.crt", s.ca)
	makeIt(s.room, newCertificates(s.Host), "/pki/link.crt", s.link)
	old := s.get("/pki/a.crt")
	s.members("s", "a")
	for _, name := range []string{"s", "a"} {
		makeIt(s.room, newCertificates(s.Host), "/pki/"+name+".crt", s.later(name, policy.UsageServer))
	}
	if s.get("/pki/a.crt") != old {
		t.Error("a certificate was made anew that the old CA signed and that is good")
	}
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/pki/trusted", s.trusted)
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/pki/chain", s.chain)
	if s.get("/pki/trusted") != s.get("/pki/ca-2.crt")+s.get("/pki/ca.crt") || s.get("/pki/chain") != s.get("/pki/s.crt")+s.get("/pki/link.crt") {
		t.Error("readers do not know both CAs")
	}
	before, overlap := s.get("/pki/trusted"), leafless(s)
	if overlap == nil {
		t.Error("nobody is told of the overlap")
	}
	// In their windows all get certificates of the new CA. The old ones are good still.
	s.now = s.now.Add(70 * 24 * time.Hour)
	for _, name := range []string{"s", "a"} {
		makeIt(s.room, newCertificates(s.Host), "/pki/"+name+".crt", s.later(name, policy.UsageServer))
	}
	s.run("openssl", "verify", "-x509_strict", "-no_check_time", "-CAfile", "pki/ca-2.crt", "pki/a.crt")
	if leafless(s) == nil {
		t.Error("the overlap ended, and what the old CA signed is good still")
	}
	s.members("s", "a")
	// Once all of that has run out, it is over by itself.
	s.now = s.now.Add(25 * 24 * time.Hour)
	if leafless(s) != nil {
		t.Error("the overlap does not end")
	}
	list := s.get("/pki/crl.pem")
	s.now = s.now.Add(300 * 24 * time.Hour) // past the end of the old list
	makeIt(s.room, newCRLs(s.Host), "/pki/crl.pem", s.oldList)
	if s.get("/pki/crl.pem") != list {
		t.Error("a list is made for a CA of which nothing is good")
	}
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/pki/trusted", s.trusted)
	if s.get("/pki/trusted") != before {
		t.Error("a file was made anew only since the overlap is over")
	}
	s.put("/pki/trusted", "")
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/pki/trusted", s.trusted)
	if s.get("/pki/trusted") != s.get("/pki/ca-2.crt") {
		t.Error("the old CA is trusted for good")
	}
	s.now = s.now.Add(11 * 365 * 24 * time.Hour)
	for name, want := range map[string]Certificate{"/pki/link.crt": s.link, "/pki/ca.crt": former()} {
		got := s.seen(newCertificates(s.Host), name, &want)
		if diffs := resource.Compare(got, s.normal(newCertificates(s.Host), name, &want)); len(diffs) > 0 {
			t.Errorf("%s is over, and yet to be changed: %+v", name, diffs)
		}
	}
}

func former() Certificate {
	return Certificate{
		Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Acme VPN CA", Organization: "Acme, Inc."}, Validity: p(3650 * resource.Day), Overlap: p("/pki/issued"),
	}
}

// leafless is what people are told of the old CA.
func leafless(s *succession) *string {
	s.Helper()
	want := former()
	v := newCertificates(s.Host)
	got, err := v.Observe(context.Background(), map[string]*Certificate{"/pki/ca.crt": &want})
	if err != nil {
		s.Fatal(err)
	}
	return got["/pki/ca.crt"].Remains
}

// Lists of both CAs in one file, as a server has them, tell whom both barred when the lists
// themselves are lost.
func TestRevokedStaysRevokedWhenBothListsAreLost(t *testing.T) {
	s := newSuccession(t)
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/ca-2.key", PrivateKey{})
	makeIt(s.room, newCertificates(s.Host), "/pki/ca-2.crt", s.ca)
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/a.key", PrivateKey{})
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/b.key", PrivateKey{})
	makeIt(s.room, newCertificates(s.Host), "/pki/a.crt", leaf("a", policy.UsageClient))
	makeIt(s.room, newCertificates(s.Host), "/pki/b.crt", s.later("b", policy.UsageClient))
	s.members()
	s.run("mkdir", "-p", "etc/openvpn/server/office")
	both := AssembledFile{Parts: []Part{{File: p("/pki/crl-2.pem")}, {File: p("/pki/crl.pem"), Overlap: p("/pki/issued"), CA: p("/pki/ca.crt")}}}
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/etc/openvpn/server/office/crl.pem", both)
	s.run("rm", "-rf", "pki/crl.pem", "pki/crl-2.pem", "pki/issued")
	if err := resourcetest.Apply(t.Context(), &ledgers{s.Host}, "/pki/issued", nil, Ledger{}); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Hour)
	s.members("a", "b") // whom nobody remembers to have revoked
	s.run("sh", "-c", "cat pki/crl.pem pki/crl-2.pem >lists; cat pki/ca.crt pki/ca-2.crt >cas")
	for _, name := range []string{"a", "b"} {
		if out, err := s.try("openssl", "verify", "-crl_check", "-CAfile", "cas", "-CRLfile", "lists", "pki/"+name+".crt"); err == nil {
			t.Errorf("%s is let in again: %s", name, out)
		}
	}
}

// Where another CA is put in the place of one that existed before, whatever is made of it is
// protected, so that no agent shuts out who came in by the first: until a person has had it
// sign something, or puts the first back.
func TestAnotherCAInThePlaceOfOneVoidsWhatTheFirstSigned(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	cert, list := leaf("a", policy.UsageClient), CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"a"}, External: p(true)}
	cert.External = p(true)
	copied := AssembledFile{Parts: Level{Trusted: []string{"/pki/ca.crt"}, Ledger: "/pki/issued", Given: true}.TrustParts()}
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	makeIt(r, assembled.NewAssembledFiles(r.Host), "/pki/copy.crt", copied)
	expect := func(when, want string) {
		t.Helper()
		for name, got := range map[string]string{
			"/pki/a.crt":    voided(r, newCertificates(r.Host), "/pki/a.crt", cert),
			"/pki/crl.pem":  voided(r, newCRLs(r.Host), "/pki/crl.pem", list),
			"/pki/copy.crt": voided(r, assembled.NewAssembledFiles(r.Host), "/pki/copy.crt", copied),
		} {
			if got != want {
				t.Errorf("%s, %s voids %q instead of %q", when, name, got, want)
			}
		}
	}
	expect("all stands", "")
	first, firstKey := r.get("/pki/ca.crt"), r.get("/pki/ca.key")
	another := newRoom(t)
	another.newCA("ecdsa-p256")
	r.put("/pki/ca.crt", another.get("/pki/ca.crt"))
	r.put("/pki/ca.key", another.get("/pki/ca.key"))
	expect("another CA stands there", assembled.CABefore)
	r.run("mkdir", "-p", "kept")
	r.run("mv", "pki/a.crt", "pki/crl.pem", "pki/copy.crt", "kept")
	expect("another CA stands there, and all is lost that was made of the first", assembled.CABefore)
	r.run("sh", "-c", "mv kept/* pki")
	r.put("/pki/ca.crt", first)
	r.put("/pki/ca.key", firstKey)
	expect("the first is back", "")
	r.put("/pki/ca.crt", another.get("/pki/ca.crt"))
	r.put("/pki/ca.key", another.get("/pki/ca.key"))
	r.issue("b")
	expect("it has signed something", "")
}

// Of a certificate that does not say by which key it is signed, as openssl-x509(1) writes
// some, the signature tells whether another CA stands there.
func TestWhatNamesNoKeyIsOfTheCAThatSignedIt(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	ca, err := policy.ParseCertificate([]byte(r.get("/pki/ca.crt")))
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := policy.ParseKey([]byte(r.get("/pki/ca.key")))
	if err != nil {
		t.Fatal(err)
	}
	unnamed := *ca
	unnamed.SubjectKeyId = nil
	der, err := x509.CreateCertificate(r.Rand, &x509.Certificate{SerialNumber: big.NewInt(42), Subject: pkix.Name{CommonName: "a"}, NotBefore: r.now, NotAfter: r.now.Add(time.Hour)}, &unnamed, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	r.put("/pki/issued/2a.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	exchanged := func() bool {
		s, err := r.Scene()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Leave()
		return overlap.Exchanged(s, "/pki/ca.crt", "/pki/issued")
	}
	if exchanged() {
		t.Error("the CA that signed it is taken for another one")
	}
	another := newRoom(t)
	another.newCA("ecdsa-p256")
	r.put("/pki/ca.crt", another.get("/pki/ca.crt"))
	if !exchanged() {
		t.Error("another CA of the same name is taken for the one that signed it")
	}
}

// voided is what making a thing as wished would void.
func voided[T any](r *room, v interface {
	resource.Verbs[T]
	resource.Normalizer[T]
	resource.Voider[T]
}, name string, want T,
) string {
	r.Helper()
	normal, err := v.Normalize(r.Context(), map[string]*T{name: &want})
	if err != nil {
		r.Fatal(err)
	}
	seen, err := v.Observe(r.Context(), normal)
	if err != nil {
		r.Fatal(err)
	}
	return v.Invalidates(seen[name], normal[name])
}
