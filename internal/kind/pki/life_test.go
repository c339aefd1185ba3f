package pki

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// office is a PKI on its way through the years: a loop that does what the
// engine does, with the real verbs.
type office struct {
	*room
	kinds   map[string]resource.Kind
	clients []string
	revoked []string
	made    []resource.ID
	records map[resource.ID]any // what was asked for last, normalised
	imports func(*CRL)          // makes the list that of a CA that was there before; nil where it is not
}

func newOffice(t *testing.T, clients ...string) *office {
	o := &office{room: newRoom(t), kinds: make(map[string]resource.Kind), clients: clients, records: make(map[resource.ID]any)}
	for _, k := range Kinds(o.Host) {
		o.kinds[k.Name] = k
	}
	return o
}

// wish is what the composite asks for, dependencies first.
func (o *office) wish() []resource.Resource {
	id := func(kind, path string) resource.ID { return resource.ID{Kind: kind, Name: path} }
	follows := func(path string) resource.Trigger {
		return resource.Trigger{On: id(KindPrivateKey, path), Do: resource.Rebuild}
	}
	caKey, ca := "/pki/ca.key", "/pki/ca.crt"
	all := []resource.Resource{
		{ID: id(KindLedger, "/pki/issued"), Want: &Ledger{}},
		{ID: id(KindPrivateKey, caKey), Want: &PrivateKey{Algorithm: p("ecdsa-p256"), Format: p(policy.PKCS8), Certificate: &ca}},
		{ID: id(KindCertificate, ca), Want: &Certificate{
			Key: &caKey, Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Acme VPN CA"}, Validity: p(3650 * resource.Day),
		}, Triggers: []resource.Trigger{follows(caKey)}},
	}
	members := []string{}
	for _, name := range o.clients {
		if slices.Contains(o.revoked, name) {
			continue
		}
		members = append(members, name)
		want := leaf(name, policy.UsageClient)
		all = append(all,
			resource.Resource{ID: id(KindPrivateKey, *want.Key), Want: &PrivateKey{Algorithm: p("ecdsa-p256")}},
			resource.Resource{ID: id(KindCertificate, "/pki/"+name+".crt"), Want: &want, Triggers: []resource.Trigger{follows(*want.Key), follows(caKey)}},
		)
	}
	list := &CRL{Issuer: &ca, IssuerKey: &caKey, Ledger: p("/pki/issued"), Members: members}
	if o.imports != nil {
		all = slices.DeleteFunc(all, func(r resource.Resource) bool { return r.ID.Name == ca || r.ID.Name == caKey })
		o.imports(list)
	}
	return append(all, resource.Resource{ID: id(KindCRL, "/pki/crl.pem"), Want: list, Triggers: []resource.Trigger{follows(caKey)}})
}

// look normalises one wish and observes.
func (o *office) look(r resource.Resource) (got, want any) {
	o.Helper()
	k := o.kinds[r.ID.Kind]
	normal, err := o.normal(r)
	if err != nil {
		o.Fatalf("%s: normalising: %v", r.ID, err)
	}
	seen := k.Observe(context.Background(), normal)[r.ID.Name]
	if seen.Err != nil {
		o.Fatalf("%s: observing: %v", r.ID, seen.Err)
	}
	return seen.Got, normal[r.ID.Name]
}

func (o *office) normal(r resource.Resource) (map[string]any, error) {
	k := o.kinds[r.ID.Kind]
	return k.Normalize(context.Background(), map[string]any{r.ID.Name: k.Recall(r.Want, o.records[r.ID])})
}

// refused returns why the host does not take the wish.
func (o *office) refused() error {
	var errs []error
	for _, r := range o.wish() {
		_, err := o.normal(r)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// plan says what an apply would do, a change a line.
func (o *office) plan() string {
	o.Helper()
	var lines []string
	wished := o.wish()
	for _, id := range o.made {
		if !slices.ContainsFunc(wished, func(r resource.Resource) bool { return r.ID == id }) {
			lines = append(lines, fmt.Sprintf("- %s", id))
		}
	}
	changed := make(map[resource.ID]bool)
	for _, r := range wished {
		got, want := o.look(r)
		diffs := resource.Compare(got, want)
		follows := slices.ContainsFunc(r.Triggers, func(t resource.Trigger) bool { return changed[t.On] })
		if got != nil && len(diffs) == 0 && !follows {
			continue
		}
		changed[r.ID] = true
		line := fmt.Sprintf("+ %s", r.ID)
		if got != nil {
			line = fmt.Sprintf("~ %s", r.ID)
			for _, d := range diffs {
				line += fmt.Sprintf(" %s %s→%s", d.Attribute, d.Before, d.After)
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// apply does it, and fails where the host is not as wished afterwards.
func (o *office) apply() error {
	o.Helper()
	ctx := context.Background()
	wished := o.wish()
	for _, r := range wished {
		got, want := o.look(r)
		if got == nil || len(resource.Compare(got, want)) > 0 {
			if err := o.kinds[r.ID.Kind].Check(ctx, r.ID.Name, want); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Backward(o.made) {
		if !slices.ContainsFunc(wished, func(r resource.Resource) bool { return r.ID == id }) {
			if err := o.kinds[id.Kind].Remove(ctx, id.Name); err != nil {
				return err
			}
		}
	}
	o.made = nil
	for _, r := range wished {
		o.made = append(o.made, r.ID)
		got, want := o.look(r)
		o.records[r.ID] = want
		if got != nil && len(resource.Compare(got, want)) == 0 {
			continue
		}
		if err := o.kinds[r.ID.Kind].Apply(ctx, []resource.Change{{Name: r.ID.Name, Got: got, Want: want}}); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		seen := o.kinds[r.ID.Kind].Observe(ctx, map[string]any{r.ID.Name: want})[r.ID.Name]
		if diffs := resource.Compare(seen.Got, want); len(diffs) > 0 {
			return fmt.Errorf("%s still differs: %+v", r.ID, diffs)
		}
	}
	return nil
}

// converge checks what the plan says, applies it, and checks that nothing is
// left to do.
func (o *office) converge(want ...string) {
	o.Helper()
	if got := o.plan(); got != strings.Join(want, "\n") {
		o.Fatalf("the plan is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if err := o.apply(); err != nil {
		o.Fatal(err)
	}
	if left := o.plan(); left != "" {
		o.Fatalf("after the apply there is left to do:\n%s", left)
	}
}

func (o *office) serial(name string) string {
	o.Helper()
	cert, err := policy.ParseCertificate([]byte(o.get("/pki/" + name + ".crt")))
	if err != nil {
		o.Fatal(err)
	}
	return policy.SerialOf(cert.SerialNumber)
}

func (o *office) crl() *x509.RevocationList {
	o.Helper()
	list, err := parseCRL([]byte(o.get("/pki/crl.pem")))
	if err != nil {
		o.Fatal(err)
	}
	return list
}

// listed returns the serial numbers on the list, sorted.
func (o *office) listed() []string {
	o.Helper()
	serials := []string{}
	for _, e := range o.crl().RevokedCertificateEntries {
		serials = append(serials, policy.SerialOf(e.SerialNumber))
	}
	slices.Sort(serials)
	return serials
}

func (o *office) lists(want ...string) {
	o.Helper()
	slices.Sort(want)
	if got := o.listed(); !slices.Equal(got, want) {
		o.Fatalf("the list holds %v, want %v", got, want)
	}
}

func TestClientComesGoesAndComesBack(t *testing.T) {
	o := newOffice(t, "a")
	o.converge(
		`+ ledger["/pki/issued"]`,
		`+ private_key["/pki/ca.key"]`,
		`+ certificate["/pki/ca.crt"]`,
		`+ private_key["/pki/a.key"]`,
		`+ certificate["/pki/a.crt"]`,
		`+ crl["/pki/crl.pem"]`,
	)
	o.lists()
	number := o.crl().Number

	o.clients = append(o.clients, "b")
	o.converge(`+ private_key["/pki/b.key"]`, `+ certificate["/pki/b.crt"]`)
	first := o.serial("b")

	o.revoked = []string{"b"}
	o.converge(
		`- private_key["/pki/b.key"]`,
		`- certificate["/pki/b.crt"]`,
		`~ crl["/pki/crl.pem"] revoked []→["b"]`,
	)
	o.lists(first)
	if o.crl().Number.Cmp(number) <= 0 {
		t.Error("the number of the list does not grow")
	}

	o.revoked = nil
	o.converge(`+ private_key["/pki/b.key"]`, `+ certificate["/pki/b.crt"]`)
	second := o.serial("b")
	o.lists(first)
	if first == second {
		t.Fatal("the revoked serial number came back")
	}

	o.clients = []string{"a"}
	o.converge(
		`- private_key["/pki/b.key"]`,
		`- certificate["/pki/b.crt"]`,
		`~ crl["/pki/crl.pem"] revoked []→["b"]`,
	)
	o.lists(first, second)

	o.remove("/pki/crl.pem")
	o.converge(`+ crl["/pki/crl.pem"]`)
	o.lists(first, second)
}

func TestRevokedStaysListedUntilItRunsOut(t *testing.T) {
	o := newOffice(t, "a", "b")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	gone := o.serial("b")
	o.revoked = []string{"b"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	revokedAt := o.crl().RevokedCertificateEntries[0]
	if revokedAt.ReasonCode != int(Ceased) || !revokedAt.RevocationTime.Equal(o.now) {
		t.Errorf("revoked at %s for %d", revokedAt.RevocationTime, revokedAt.ReasonCode)
	}
	o.now = o.now.Add(91 * 24 * time.Hour) // a's runs out too, and half the life of the list
	o.converge(
		`~ certificate["/pki/a.crt"] fresh false→true`,
		`~ crl["/pki/crl.pem"] fresh false→true`,
	)
	o.lists()
	if _, err := readEntry(o.Host, "/pki/issued", gone); err != nil {
		t.Errorf("the ledger forgot: %v", err)
	}
}

// The clock is set by a time server a year ahead, and back to before all began,
// and right. Each time the next apply has certificates and a list that are good now, of the same
// keys, and nobody is barred.
func TestClockThatJumps(t *testing.T) {
	o := newOffice(t, "a")
	right := o.now
	o.synchronized = true
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	keys := o.get("/pki/ca.key") + o.get("/pki/a.key")
	const year = 365 * 24 * time.Hour
	for _, now := range []time.Time{right.Add(year), right, right.Add(-year), right, right.Add(11 * year), right} {
		o.now = now
		if err := o.apply(); err != nil {
			t.Fatal(err)
		}
		if left := o.plan(); left != "" {
			t.Fatalf("at %s there is left to do:\n%s", now, left)
		}
		for _, name := range []string{"ca", "a"} {
			cert, err := policy.ParseCertificate([]byte(o.get("/pki/" + name + ".crt")))
			if err != nil || now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
				t.Errorf("at %s that of %s is good from %s to %s (%v)", now, name, cert.NotBefore, cert.NotAfter, err)
			}
		}
		if list := o.crl(); now.Before(list.ThisUpdate) || now.After(list.NextUpdate) {
			t.Errorf("at %s the list is good from %s to %s", now, list.ThisUpdate, list.NextUpdate)
		}
		o.lists()
	}
	if o.get("/pki/ca.key")+o.get("/pki/a.key") != keys {
		t.Error("there are other keys")
	}
}

func TestListKeepsTimeAndReason(t *testing.T) {
	o := newOffice(t, "a", "b")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	if err := revoke(o.Host, "/pki/issued", Compromised, o.serial("b")); err != nil {
		t.Fatal(err)
	}
	at, old := o.now, o.serial("b")
	o.now = o.now.Add(time.Hour)
	o.converge(
		`~ certificate["/pki/b.crt"] current false→true`,
		`~ crl["/pki/crl.pem"] current false→true`,
	)
	o.lists(old)
	for range 2 {
		for _, e := range o.crl().RevokedCertificateEntries {
			if policy.SerialOf(e.SerialNumber) == old && (!e.RevocationTime.Equal(at) || e.ReasonCode != int(Compromised)) {
				t.Errorf("revoked at %s for %d", e.RevocationTime, e.ReasonCode)
			}
		}
		o.revoked = []string{"a"}
		if err := o.apply(); err != nil {
			t.Fatal(err)
		}
		o.remove("/pki/crl.pem")
		if err := o.apply(); err != nil {
			t.Fatal(err)
		}
	}
	if err := revoke(o.Host, "/pki/issued", Superseded, "abcd"); err == nil || err.Error() != "the ledger /pki/issued knows no certificate abcd" {
		t.Error(err)
	}
}

func TestRenewalKeepsKeyAndPredecessor(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	key, old := o.get("/pki/a.key"), o.serial("a")
	o.now = o.now.Add(59 * 24 * time.Hour)
	o.converge()
	o.now = o.now.Add(2 * 24 * time.Hour)
	o.converge(`~ certificate["/pki/a.crt"] fresh false→true`)
	if o.get("/pki/a.key") != key || o.serial("a") == old {
		t.Error("a renewal gives a new certificate for the same key")
	}
	o.lists()
	o.revoked = []string{"a"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	if len(o.listed()) != 2 {
		t.Errorf("both certificates of the name must be listed, not %v", o.listed())
	}
}

func TestNewKeyMeansNewCertificate(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.remove("/pki/a.key")
	o.converge(`+ private_key["/pki/a.key"]`, `~ certificate["/pki/a.crt"] current false→true`)
	o.lists()
}

func TestCAIsRenewedWithItsKey(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	key := o.get("/pki/ca.key")
	o.now = o.now.Add(2500 * 24 * time.Hour)
	o.converge(
		`~ certificate["/pki/ca.crt"] fresh false→true`,
		`~ certificate["/pki/a.crt"] fresh false→true`,
		`~ crl["/pki/crl.pem"] fresh false→true`,
	)
	if o.get("/pki/ca.key") != key {
		t.Error("the key of the CA changed")
	}
}

func TestLostKeyOfCAIsNotReplaced(t *testing.T) {
	o := newOffice(t, "a", "b")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.revoked = []string{"b"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.remove("/pki/ca.key")
	err := o.apply()
	if err == nil || !strings.Contains(err.Error(), "the key of the CA /pki/ca.crt is gone; bring it back from a backup") {
		t.Fatal(err)
	}
	// The way out that the error names.
	o.remove("/pki/ca.crt")
	o.converge(
		`+ private_key["/pki/ca.key"]`,
		`+ certificate["/pki/ca.crt"]`,
		`~ certificate["/pki/a.crt"] current false→true`,
		`~ crl["/pki/crl.pem"] current false→true`,
	)
	o.lists()
}

func TestKilledBeforeTheCertificateStands(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	lost := o.serial("a")
	o.remove("/pki/a.crt") // as if it had only come as far as the ledger
	o.converge(`+ certificate["/pki/a.crt"]`)
	o.revoked = []string{"a"}
	second := o.serial("a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lists(lost, second)
}

func TestLostLedgerIsFilledAgain(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	before, serial := o.get("/pki/a.crt"), o.serial("a")
	o.remove("/pki/issued/" + serial + ".pem")
	o.converge(`~ certificate["/pki/a.crt"] recorded false→true`)
	if o.get("/pki/a.crt") != before {
		t.Error("a good certificate was replaced")
	}
	o.revoked = []string{"a"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lists(serial)
}
