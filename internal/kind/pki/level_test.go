package pki

import (
	"crypto/x509"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// levels is a CA below another one, with what stands above it and what it signed.
type levels struct {
	*room
	root, office Certificate
	list         CRL // of the root
	own          CRL
}

func newLevels(t *testing.T) *levels {
	t.Helper()
	l := &levels{
		room: newRoom(t),
		root: Certificate{Key: p("/pki/root.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Root"}, Validity: p(1000 * resource.Day), PathLength: p(1), Domains: []string{"example.com"}},
		office: Certificate{
			Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Office"}, Validity: p(600 * resource.Day), PathLength: p(0),
			Issuer: p("/pki/root.crt"), IssuerKey: p("/pki/root.key"), Ledger: p("/pki/root-issued"),
		},
		list: CRL{Issuer: p("/pki/root.crt"), IssuerKey: p("/pki/root.key"), Ledger: p("/pki/root-issued"), Members: []string{}},
		own:  CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"alice"}},
	}
	makeIt(l.room, newPrivateKeys(l.Host), "/pki/root.key", PrivateKey{})
	makeIt(l.room, newCertificates(l.Host), "/pki/root.crt", l.root)
	makeIt(l.room, &ledgers{l.Host}, "/pki/root-issued", Ledger{})
	makeIt(l.room, &ledgers{l.Host}, "/pki/issued", Ledger{})
	makeIt(l.room, newPrivateKeys(l.Host), "/pki/ca.key", PrivateKey{Certificate: p("/pki/ca.crt")})
	makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	l.issue("alice")
	l.lists()
	return l
}

// lists puts the lists of both levels in place.
func (l *levels) lists() {
	l.Helper()
	makeIt(l.room, newCRLs(l.Host), "/pki/root.crl", l.list)
	makeIt(l.room, newCRLs(l.Host), "/pki/ca.crl", l.own)
}

// verify has openssl hold a certificate against both levels.
func (l *levels) verify() (string, error) {
	return l.try("openssl", "verify", "-x509_strict", "-crl_check_all", "-attime", strconv.FormatInt(l.now.Unix(), 10), "-CAfile", "pki/root.crt", "-untrusted", "pki/ca.crt", "-CRLfile", "pki/root.crl", "-CRLfile", "pki/ca.crl", "pki/alice.crt")
}

func (l *levels) cert(path string) *x509.Certificate {
	l.Helper()
	c, err := policy.ParseCertificate([]byte(l.get(path)))
	if err != nil {
		l.Fatal(err)
	}
	return c
}

// A CA below another one is no member of anybody's list, and stands all the same: only
// its serial number revokes it. Then it is made anew by nobody, and what it signed is
// void.
func TestCABelowAnother(t *testing.T) {
	l := newLevels(t)
	if out, err := l.verify(); err != nil {
		t.Fatal(out)
	}
	office := l.cert("/pki/ca.crt")
	if policy.PathLength(office) != 0 || policy.PathLength(l.cert("/pki/root.crt")) != 1 || policy.SignedBy(office, l.cert("/pki/root.crt")) != nil {
		t.Error("the path lengths are not those that were asked for")
	}
	if !l.holds("/pki/root-issued", office) {
		t.Error("the ledger of the root does not know it")
	}
	serial := policy.SerialOf(office.SerialNumber)
	l.list.Revoke = map[string]string{serial: "Office"}
	l.lists()
	if out, err := l.verify(); err == nil || !strings.Contains(out, "certificate revoked") {
		t.Errorf("what a revoked CA signed is good: %s", out)
	}
	if err := l.refused("/pki/ca.crt", l.office); !strings.Contains(err, "take /pki/ca.crt and its key /pki/ca.key away to begin a new CA") {
		t.Errorf("a CA that was revoked is made anew: %s", err)
	}
	l.remove("/pki/ca.crt")
	l.remove("/pki/ca.key")
	makeIt(l.room, newPrivateKeys(l.Host), "/pki/ca.key", PrivateKey{Certificate: p("/pki/ca.crt")})
	makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	makeIt(l.room, newCertificates(l.Host), "/pki/alice.crt", leaf("alice", policy.UsageClient))
	l.lists()
	if out, err := l.verify(); err != nil {
		t.Error(out)
	}
}

func (l *levels) holds(dir string, cert *x509.Certificate) bool {
	l.Helper()
	all, err := Issued(l.Host, dir)
	if err != nil {
		l.Fatal(err)
	}
	for _, e := range all {
		if e.Equal(cert) {
			return true
		}
	}
	return false
}

// What is lost is no reason to shut out a CA below: neither the ledger of the root nor
// its list.
func TestCABelowOutlivesALostLedger(t *testing.T) {
	l := newLevels(t)
	l.run("sh", "-c", "rm -r pki/root-issued pki/root.crl")
	makeIt(l.room, &ledgers{l.Host}, "/pki/root-issued", Ledger{})
	want := l.list
	want.Barred, want.Signed, want.Number = map[string]string{}, map[string]string{}, p("7")
	makeIt(l.room, newCRLs(l.Host), "/pki/root.crl", want)
	makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	makeIt(l.room, newCRLs(l.Host), "/pki/root.crl", l.list)
	if out, err := l.verify(); err != nil {
		t.Error(out)
	}
}

// It is renewed in its time with its key, within the end of the root, and once the root
// was renewed beyond that. What it signed stands.
func TestCABelowIsRenewedWithinTheRoot(t *testing.T) {
	l := newLevels(t)
	alice, first := l.get("/pki/alice.crt"), l.cert("/pki/ca.crt")
	l.now = l.now.Add(450 * 24 * time.Hour) // the last third of its life
	makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	second, root := l.cert("/pki/ca.crt"), l.cert("/pki/root.crt")
	if !second.NotAfter.Equal(root.NotAfter) || !policy.SamePublic(first.PublicKey, second.PublicKey) {
		t.Errorf("it ends on %s, and the root on %s", second.NotAfter, root.NotAfter)
	}
	got := makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	if !*got.Fresh || !l.cert("/pki/ca.crt").Equal(second) {
		t.Error("it can't be had for longer, and is made anew all the same")
	}
	l.now = l.now.Add(400 * 24 * time.Hour) // the last third of the root's, and of its own
	makeIt(l.room, newCertificates(l.Host), "/pki/root.crt", l.root)
	makeIt(l.room, newCertificates(l.Host), "/pki/ca.crt", l.office)
	if third := l.cert("/pki/ca.crt"); !third.NotAfter.After(second.NotAfter) {
		t.Errorf("it ends on %s still", third.NotAfter)
	}
	if want := leaf("alice", policy.UsageClient); l.get("/pki/alice.crt") != alice || !suitsNow(l, want) {
		t.Error("what it signed does not stand")
	}
}

// suitsNow says whether alice's certificate was signed by the CA as that is now.
func suitsNow(l *levels, want Certificate) bool {
	got, ok := l.seen(newCertificates(l.Host), "/pki/alice.crt", &want).(*Certificate)
	return ok && *got.Current
}

// A root that lets no CA stand below it, or one of the same name, is refused.
func TestWhatCanStandBelow(t *testing.T) {
	l := newLevels(t)
	deeper, twin := l.office, l.office
	deeper.PathLength = p(1)
	twin.Subject, twin.Key = l.root.Subject, p("/pki/twin.key")
	makeIt(l.room, newPrivateKeys(l.Host), "/pki/twin.key", PrivateKey{})
	for at, c := range map[string]struct {
		want Certificate
		says string
	}{
		"/pki/deeper.crt": {deeper, "renew it with path_length = 2"},
		"/pki/twin.crt":   {twin, "has the same name, \"CN = Root\"; choose another subject"},
	} {
		if err := l.refused(at, c.want); !strings.Contains(err, c.says) {
			t.Errorf("%s: %s", at, err)
		}
	}
}

// One above that stands below another one is no end of a chain, unless that other one is
// known too.
func TestAboveIsNoRoot(t *testing.T) {
	l := newLevels(t)
	between := l.root
	between.Key, between.Subject = p("/pki/between.key"), &policy.Subject{CommonName: "Between"}
	between.Issuer, between.IssuerKey, between.PathLength = p("/pki/top.crt"), p("/pki/top.key"), p(1)
	top := l.root
	top.Key, top.Subject, top.PathLength = p("/pki/top.key"), &policy.Subject{CommonName: "Top"}, p(2)
	for _, key := range []string{"/pki/top.key", "/pki/between.key"} {
		makeIt(l.room, newPrivateKeys(l.Host), key, PrivateKey{})
	}
	makeIt(l.room, newCertificates(l.Host), "/pki/top.crt", top)
	makeIt(l.room, newCertificates(l.Host), "/pki/between.crt", between)
	below, root := l.office, l.office
	below.Issuer, below.Topmost, root.Topmost = p("/pki/between.crt"), p(true), p(true)
	if err := l.refused("/pki/below.crt", below); !strings.Contains(err, `/pki/between.crt above it is no root but stands below another one, "CN=Top`) || !strings.Contains(err, "name it as parent in the block of this") {
		t.Errorf("it says %q", err)
	}
	below.Topmost = nil
	for _, want := range []Certificate{below, root} {
		if err := l.refused("/pki/below.crt", want); err != "" {
			t.Error(err)
		}
	}
}

// One that is to take the place of another waits for the key of the one above, and says who
// signs until then; nobody waits with it.
func TestWhatWaitsToSucceed(t *testing.T) {
	l := newLevels(t)
	next := l.office
	next.Key, next.Away, next.Succeeds = p("/pki/ca-2.key"), p(true), p("/pki/ca.crt")
	key := PrivateKey{Certificate: p("/pki/ca-2.crt"), Succeeds: next.Succeeds}
	makeIt(l.room, newPrivateKeys(l.Host), "/pki/ca-2.key", key)
	l.run("mv", "pki/root.key", "root.key")
	what := newCertificates(l.Host).Awaits(l.Context(), "/pki/ca-2.crt", nil, &next)
	if !strings.Contains(what, "the key of its CA, /pki/root.key: put it there") || !strings.HasSuffix(what, "; until then /pki/ca.crt signs, and all else goes on") {
		t.Errorf("it waits for %q", what)
	}
	if what := newPrivateKeys(l.Host).Invalidates(nil, &key); what != "every certificate that was asked for with it" {
		t.Errorf("without its key is void %q", what)
	}
	request := CertificateRequest{Succeeds: next.Succeeds}
	for what, aside := range map[string]bool{
		"the certificate": next.Aside() && !l.office.Aside(), "its key": key.Aside() && !(&PrivateKey{}).Aside(), "its request": request.Aside() && !(&CertificateRequest{}).Aside(),
		"a list that is brought": (&CRL{Issuer: p("/pki/root.crt")}).Aside() && !l.list.Aside(),
	} {
		if !aside {
			t.Errorf("who waits for %s?", what)
		}
	}
	l.run("mv", "root.key", "pki/root.key")
	if what := newCertificates(l.Host).Awaits(l.Context(), "/pki/ca-2.crt", nil, &next); what != "" {
		t.Errorf("it still waits for %q", what)
	}
}

// refused is why a wish is no plan.
func (l *levels) refused(name string, want Certificate) string {
	l.Helper()
	_, err := newCertificates(l.Host).Normalize(l.Context(), map[string]*Certificate{name: &want})
	if err == nil {
		return ""
	}
	return err.Error()
}
