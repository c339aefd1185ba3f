package pki

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// copyTo puts a copy of a file where somebody reads it.
func (o *office) copyTo(path string) {
	o.Helper()
	if err := os.MkdirAll(filepath.Dir(o.at(path)), 0o755); err != nil {
		o.Fatal(err)
	}
	o.put(path, o.get("/pki/crl.pem"))
}

func (o *office) lose(paths ...string) {
	o.Helper()
	for _, path := range paths {
		if err := os.RemoveAll(o.at(path)); err != nil {
			o.Fatal(err)
		}
	}
}

// Whatever is lost, who was revoked stays so as long as anything on the host
// still knows it, and the numbers of lists grow.
func TestRevokedStaysRevokedWhateverIsLost(t *testing.T) {
	const installed, ledger, list = "/etc/openvpn/server/office/crl.pem", "/pki/issued", "/pki/crl.pem"
	for name, lose := range map[string]func(*office){
		"the ledger":                  func(o *office) { o.lose(ledger) },
		"the list":                    func(o *office) { o.lose(list) },
		"the list, damaged":           func(o *office) { o.put(list, "junk") },
		"ledger and list":             func(o *office) { o.lose(ledger, list) },
		"ledger, list and records":    func(o *office) { o.lose(ledger, list); clear(o.records) },
		"ledger, list and copy":       func(o *office) { o.lose(ledger, list, installed) },
		"list, copy and records":      func(o *office) { o.lose(list, installed); clear(o.records) },
		"the ledger is emptied":       func(o *office) { o.lose(ledger, list); o.mkdir(ledger) },
		"an older list of another CA": func(o *office) { o.lose(ledger); o.put(list, otherList(o.T)) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "a", "b", "c")
			o.converge(strings.Split(o.plan(), "\n")...)
			b, c := o.serial("b"), o.serial("c")
			o.clients, o.revoked = []string{"a", "b"}, []string{"b"}
			o.converge(strings.Split(o.plan(), "\n")...)
			o.lists(b, c)
			o.copyTo(installed)
			before, number := o.get(list), o.crl().Number
			lose(o)
			if err := o.apply(); err != nil {
				t.Fatal(err)
			}
			o.lists(b, c)
			if now := o.crl().Number; o.get(list) != before && now.Cmp(number) <= 0 {
				t.Errorf("list %s came after list %s, within a second", now, number)
			}
			if left := o.plan(); left != "" {
				t.Errorf("there is left to do: %s", left)
			}
		})
	}
}

func (o *office) mkdir(path string) {
	o.Helper()
	if err := os.Mkdir(o.at(path), 0o700); err != nil {
		o.Fatal(err)
	}
}

// otherList is a list that somebody else signed.
func otherList(t *testing.T) string {
	other := newOffice(t, "x")
	if err := other.apply(); err != nil {
		t.Fatal(err)
	}
	return other.get("/pki/crl.pem")
}

// A copy bars nobody where another CA signed it.
func TestCopyOfAnotherCAIsPassedOver(t *testing.T) {
	o, other := newOffice(t, "a"), newOffice(t, "x", "y")
	for _, one := range []*office{o, other} {
		if err := one.apply(); err != nil {
			t.Fatal(err)
		}
	}
	other.revoked = []string{"x"}
	if err := other.apply(); err != nil {
		t.Fatal(err)
	}
	o.copyTo("/etc/openvpn/crl.pem")
	o.put("/etc/openvpn/crl.pem", other.get("/pki/crl.pem"))
	if left := o.plan(); left != "" {
		t.Error(left)
	}
}

// Where nothing tells any more whom a list barred, and no record ever said it, a
// new one would let everybody in: an agent is told what that invalidates, and leaves it.
func TestNobodyKnowsWhomTheLostListBarred(t *testing.T) {
	o := newOffice(t, "a", "b")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.revoked = []string{"b"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	list := resource.ID{Kind: KindCRL, Name: "/pki/crl.pem"}
	voids := func() string {
		for _, r := range o.wish() {
			if r.ID == list {
				got, want := o.look(r)
				return o.kinds[KindCRL].Invalidates(got, want)
			}
		}
		return "no list is asked for"
	}
	o.records[list] = &CRL{} // as a version wrote it that kept no such record
	if is := voids(); is != "" {
		t.Errorf("all stands, and void is %s", is)
	}
	o.lose("/pki/issued", "/pki/crl.pem")
	if is := voids(); is != "every revocation before" {
		t.Errorf("void is %q", is)
	}
	delete(o.records, list)
	if is := voids(); is != "" {
		t.Errorf("a first list voids %q", is)
	}
	o.now = o.now.Add(2 * time.Hour)
	if is := voids(); is != "every revocation before" {
		t.Errorf("the CA is old, so that this is not its first list, and void is %q", is)
	}
	o.enter("a")
	if is := voids(); is != "every revocation before" {
		t.Errorf("an agent has entered what stands in the ledger anew, and void is %q", is)
	}
}

// A ledger that is lost, and one that comes back, concern nobody who reads a
// certificate.
func TestLedgerThatIsLostAndComesBackConcernsNoReader(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(o.at("/pki/issued"), o.at("/pki/away")); err != nil {
		t.Fatal(err)
	}
	for _, r := range o.wish() {
		got, want := o.look(r)
		for _, d := range resource.Compare(got, want) {
			if r.ID.Kind != KindLedger && !d.Meta {
				t.Errorf("%s: its readers have to notice %s", r.ID, d.Attribute)
			}
		}
	}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lose("/pki/issued")
	if err := os.Rename(o.at("/pki/away"), o.at("/pki/issued")); err != nil {
		t.Fatal(err)
	}
	if left := o.plan(); left != "" {
		t.Errorf("it is back, and there is left to do: %s", left)
	}
}

// A host without a battery for its clock boots in the past. What is good waits
// there; that is told, and nothing is signed that would be void.
func TestClockThatIsBehindMakesNothingAnew(t *testing.T) {
	o := newOffice(t, "a")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	right := o.now
	for _, behind := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		o.now = right.Add(-behind)
		if left := o.plan(); left != "" {
			t.Errorf("%s behind it would do %s", behind, left)
		}
		told := 0
		for _, r := range o.wish() {
			got, _ := o.look(r)
			switch g := got.(type) {
			case *Certificate:
				told += len(derived.Given(g.Clock))
			case *CRL:
				told += len(derived.Given(g.Clock))
			}
		}
		if told == 0 {
			t.Errorf("%s behind nobody is told", behind)
		}
	}
	o.clients = append(o.clients, "b")
	err := o.apply()
	if err == nil || !strings.Contains(err.Error(), "and what is signed now would be void; set the clock") {
		t.Errorf("before the CA began it signed: %v", err)
	}
}

// index is a database of openssl ca, as easy-rsa keeps it.
func index(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// imported is an office whose CA was there before, with people of whom only an
// index tells.
func imported(t *testing.T, clients ...string) *office {
	o := newOffice(t)
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lose("/pki/issued", "/pki/crl.pem")
	clear(o.records)
	o.made, o.clients = nil, clients
	o.put("/pki/index.txt", index(
		"V\t330101000000Z\t\t0A01\tunknown\t/CN=guest",
		"V\t330101000000Z\t\t0A02\tunknown\t/C=US/O=Acme/CN=guest/emailAddress=guest@example.com",
		"R\t330101000000Z\t200101000000Z,keyCompromise\t0A03\tunknown\t/CN=thief",
		"E\t200101000000Z\t\t0A04\tunknown\t/CN=guest",
		"V\t330101000000Z\t\t0B01\tunknown\t/CN=alice",
		"V\t20500101000000Z\t\t0C01\tunknown\t/CN=J\\xC3\\xB6rg",
	))
	o.imports = func(c *CRL) { c.External, c.Issued, c.Refused = p(true), p("/pki/index.txt"), []string{"guest"} }
	return o
}

func TestImportedCARevokesWhomTheIndexKnows(t *testing.T) {
	o := imported(t, "alice")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lists("0a01", "0a02", "0a03")
	for _, e := range o.crl().RevokedCertificateEntries {
		if policy.SerialOf(e.SerialNumber) == "0a03" && (e.ReasonCode != int(Compromised) || e.RevocationTime.Year() != 2020) {
			t.Errorf("the old CA's word on 0a03 became %+v", e)
		}
	}
	if left := o.plan(); left != "" {
		t.Error(left)
	}
	ours := o.serial("alice")
	o.clients = nil // alice leaves, and with her what the old CA gave her
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	all := []string{"0a01", "0a02", "0a03", "0b01", ours}
	slices.Sort(all)
	o.lists(all...)
	o.imports = func(c *CRL) {
		c.External, c.Issued, c.Refused, c.Revoke = p(true), p("/pki/index.txt"), []string{"Jörg"}, map[string]string{"0d01": ""}
	}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	all = append(all, "0c01", "0d01")
	slices.Sort(all)
	o.lists(all...)
}

// A directory of certificates tells as much as an index.
func TestImportedCAReadsADirectory(t *testing.T) {
	o := newOffice(t, "guest", "bob")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	guest := o.serial("guest")
	if err := os.Rename(o.at("/pki/issued"), o.at("/pki/certs_by_serial")); err != nil {
		t.Fatal(err)
	}
	o.put("/pki/certs_by_serial/guest.req", "no certificate")
	o.put("/pki/certs_by_serial/foreign.pem", func() string {
		other := newOffice(t, "guest")
		if err := other.apply(); err != nil {
			t.Fatal(err)
		}
		return other.get("/pki/guest.crt")
	}())
	o.lose("/pki/crl.pem")
	clear(o.records)
	o.made, o.clients = nil, nil
	o.imports = func(c *CRL) { c.External, c.Issued, c.Refused = p(true), p("/pki/certs_by_serial"), []string{"guest"} }
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lists(guest)
}

func TestWhatAnImportedCACannotDoIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*office)
		want  string
	}{
		"nobody knows the name": {func(o *office) {
			o.imports = func(c *CRL) { c.External, c.Refused = p(true), []string{"guest"} }
		}, `"guest" can't be revoked: the ledger /pki/issued knows no certificate of that name, and issued is not given; name the index.txt`},
		"the index does not either": {func(o *office) {
			o.imports = func(c *CRL) { c.External, c.Issued, c.Refused = p(true), p("/pki/index.txt"), []string{"ghost"} }
		}, `"ghost" can't be revoked: the ledger /pki/issued knows no certificate of that name, and neither does /pki/index.txt`},
		"there is no index":      {func(o *office) { o.lose("/pki/index.txt") }, "nothing stands at /pki/index.txt"},
		"the index is none":      {func(o *office) { o.put("/pki/index.txt", "V\tx\n") }, "reading line 1 of /pki/index.txt: it has 2 fields"},
		"the key is another's":   {func(o *office) { o.put("/pki/ca.key", o.anotherKey()) }, "the key /pki/ca.key does not belong to the CA /pki/ca.crt; bring back the one that does"},
		"the key is locked":      {func(o *office) { o.put("/pki/ca.key", o.lockedKey()) }, "protected by a passphrase"},
		"there is no CA":         {func(o *office) { o.lose("/pki/ca.crt") }, "reading the certificate of the CA /pki/ca.crt"},
		"it may not sign a list": {func(o *office) { o.put("/pki/ca.crt", o.withoutCRLSign()) }, "lacks the key usage cRLSign"},
	} {
		t.Run(name, func(t *testing.T) {
			o := imported(t)
			c.spoil(o)
			if err := o.refused(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("refused for %v", err)
			}
		})
	}
	// Once the list stands, the key may be kept elsewhere.
	o := imported(t)
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lose("/pki/ca.key")
	if err := o.refused(); err != nil {
		t.Errorf("nothing is to be signed, and yet: %v", err)
	}
}

func (o *office) anotherKey() string {
	makeIt(o.room, newPrivateKeys(o.Host), "/pki/another.key", PrivateKey{})
	return o.get("/pki/another.key")
}

func (o *office) lockedKey() string {
	o.run("openssl", "pkey", "-in", "pki/ca.key", "-aes256", "-passout", "pass:x", "-out", "pki/locked.key")
	return o.get("/pki/locked.key")
}

func (o *office) withoutCRLSign() string {
	o.run("openssl", "req", "-x509", "-key", "pki/ca.key", "-subj", "/CN=Acme VPN CA", "-days", "90", "-out", "pki/limited.crt",
		"-addext", "keyUsage=critical,keyCertSign")
	return o.get("/pki/limited.crt")
}

// What may be the last copy of a lost list and can't be read is unknown, and not
// gone: no list takes its place before somebody looked. Where anything else still
// tells whom the list barred, nothing waits for the copy.
func TestCopyThatCannotBeReadIsNotGone(t *testing.T) {
	const installed = "/etc/openvpn/server/office/crl.pem"
	for name, spoil := range map[string]func(*office){
		"it was cut short":            func(o *office) { o.put(installed, o.get(installed)[:60]) },
		"it is empty":                 func(o *office) { o.put(installed, "") },
		"a directory has its place":   func(o *office) { o.lose(installed); o.mkdir(installed) },
		"it leads in a circle":        func(o *office) { o.lose(installed); o.link("crl.pem", installed) },
		"it is one of several copies": func(o *office) { o.copyTo("/etc/openvpn/other.crl"); o.put("/etc/openvpn/other.crl", "junk") },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "a", "b")
			o.converge(strings.Split(o.plan(), "\n")...)
			o.revoked = []string{"b"}
			o.converge(strings.Split(o.plan(), "\n")...)
			o.copyTo(installed)
			spoil(o)
			if err := o.refused(); err != nil {
				t.Fatalf("the list stands: %v", err)
			}
			ledger := t.TempDir() + "/issued"
			if err := os.Rename(o.at("/pki/issued"), ledger); err != nil {
				t.Fatal(err)
			}
			o.lose("/pki/crl.pem")
			if err := o.refused(); err != nil {
				t.Fatalf("the records tell of it: %v", err)
			}
			clear(o.records)
			err := o.refused()
			if err == nil {
				t.Fatal("a new list takes the place of one that nobody could look at")
			}
			for _, part := range []string{"/etc/openvpn/", "/pki/crl.pem", "move it away"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
		})
	}
}

// enter has a certificate that stands come back to the ledger.
func (o *office) enter(name string) {
	o.Helper()
	for _, r := range o.wish() {
		got, want := o.look(r)
		if r.ID.Kind != KindLedger && r.ID.Name != "/pki/"+name+".crt" || got != nil && len(resource.Compare(got, want)) == 0 {
			continue
		}
		if err := o.kinds[r.ID.Kind].Apply(context.Background(), []resource.Change{{Name: r.ID.Name, Got: got, Want: want}}); err != nil {
			o.Fatal(err)
		}
	}
	if found, err := Issued(o.Host, "/pki/issued"); err != nil || len(found) == 0 {
		o.Fatalf("the ledger holds %v: %v", found, err)
	}
}

func (o *office) link(to, path string) {
	o.Helper()
	if err := os.Symlink(to, o.at(path)); err != nil {
		o.Fatal(err)
	}
}

// A ledger that is lost comes back with the certificates that stand; that there
// were others of the same names is on record, and they are revoked with them.
func TestEarlierCertificatesOutlastTheLedger(t *testing.T) {
	o := newOffice(t, "a", "b")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	first := o.serial("b")
	o.now = o.now.Add(70 * 24 * time.Hour)
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	second := o.serial("b")
	if first == second {
		t.Fatal("it was not renewed")
	}
	o.lose("/pki/issued")
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.clients = []string{"a"}
	if err := o.apply(); err != nil {
		t.Fatal(err)
	}
	o.lists(first, second)
}

// A note in the ledger bars on its own, where the certificate that it is about and
// all else that tells of it is lost.
func TestNoteBarsWithoutItsCertificate(t *testing.T) {
	for name, known := range map[string]bool{"on record": true, "records lost": false} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "a", "b")
			if err := o.apply(); err != nil {
				t.Fatal(err)
			}
			b := o.serial("b")
			o.clients = []string{"a"}
			if err := o.apply(); err != nil {
				t.Fatal(err)
			}
			o.lists(b)
			o.lose("/pki/issued/"+b+".pem", "/pki/crl.pem")
			if !known {
				clear(o.records)
			}
			if err := o.apply(); err != nil {
				t.Fatal(err)
			}
			o.lists(b)
			if left := o.plan(); left != "" {
				t.Errorf("there is left to do: %s", left)
			}
		})
	}
}
