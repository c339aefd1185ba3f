package catalog_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vpnd/internal/engine"
	"vpnd/internal/engine/glance"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
	"vpnd/internal/state"
)

// authority is a CA with two people, on a root of its own.
type authority struct {
	*testing.T
	root string
	now  time.Time
	e    *engine.Engine
	all  []resource.Resource
}

func newAuthority(t *testing.T) *authority {
	a := &authority{T: t, root: t.TempDir(), now: time.Now().Add(time.Hour)}
	for _, dir := range []string{"etc", "pki"} {
		a.must(os.Mkdir(a.at(dir), 0o755))
	}
	a.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nvpn:x:990:990::/:/bin/false\n")
	a.put("/etc/group", "root:x:0:\nvpn:x:990:\n")
	store, err := state.Open(filepath.Join(t.TempDir(), "state"))
	a.must(err)
	t.Cleanup(func() { _ = store.Close() })
	clock := func() time.Time { return a.now }
	host := pki.Host{Root: a.root, Clock: clock, Rand: rand.Reader, Memo: memo.Open("")}
	a.e = &engine.Engine{Catalog: resource.Catalog{Kinds: pki.Kinds(host)}, Store: store, Now: clock, Glance: new(glance.Memory)}
	p := func(s string) *string { return &s }
	add := func(kind, name string, want any, after ...resource.ID) {
		a.all = append(a.all, resource.Resource{ID: resource.ID{Kind: kind, Name: name}, Want: want, After: after, Owners: []resource.Owner{{Block: resource.ID{Kind: "pki", Name: "p"}}}})
	}
	key := func(name string) resource.ID { return resource.ID{Kind: pki.KindPrivateKey, Name: name} }
	ca, ledger := resource.ID{Kind: pki.KindCertificate, Name: "/pki/ca.crt"}, resource.ID{Kind: pki.KindLedger, Name: "/pki/issued"}
	add(pki.KindPrivateKey, "/pki/ca.key", &pki.PrivateKey{Certificate: p("/pki/ca.crt")})
	add(pki.KindCertificate, ca.Name, &pki.Certificate{Key: p("/pki/ca.key"), Usage: p("ca"), Subject: &pki.Subject{CommonName: "CA"}, Validity: resource.Ptr(3650 * resource.Day)}, key("/pki/ca.key"))
	add(pki.KindLedger, ledger.Name, &pki.Ledger{})
	var members []string
	for _, who := range []string{"alice", "bob"} {
		name := "/pki/" + who
		members = append(members, who)
		add(pki.KindPrivateKey, name+".key", &pki.PrivateKey{})
		add(pki.KindCertificate, name+".crt", &pki.Certificate{
			Key: p(name + ".key"), Usage: p("client"), Subject: &pki.Subject{CommonName: who}, Validity: resource.Ptr(90 * resource.Day),
			Issuer: p(ca.Name), IssuerKey: p("/pki/ca.key"), Ledger: p(ledger.Name),
		}, key(name+".key"), ca, ledger)
	}
	add(pki.KindCRL, "/pki/crl.pem", &pki.CRL{Issuer: p(ca.Name), IssuerKey: p("/pki/ca.key"), Ledger: p(ledger.Name), Members: members}, ca, ledger)
	return a
}

func (a *authority) at(path string) string { return filepath.Join(a.root, path) }

func (a *authority) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *authority) put(path, content string) {
	a.must(os.WriteFile(a.at(path), []byte(content), 0o600))
}

func (a *authority) get(path string) string {
	data, _ := os.ReadFile(a.at(path)) // what is not there is empty
	return string(data)
}

// settle waits until the clock of the file system has moved: this test is faster than
// that, where an agent waits for two seconds.
func (a *authority) settle() {
	was := a.tick()
	for a.tick().Equal(was) {
		time.Sleep(time.Millisecond)
	}
}

func (a *authority) tick() time.Time {
	path := filepath.Join(a.root, "etc", "tick")
	a.must(os.WriteFile(path, nil, 0o600))
	info, err := os.Stat(path)
	a.must(err)
	return info.ModTime()
}

func (a *authority) plan(with *glance.Memory) (*engine.Plan, string) {
	a.Helper()
	e := *a.e
	e.Glance = with
	p, err := e.Plan(context.Background(), resource.Desired{Present: a.all, Absent: e.Leftovers(a.all)})
	if err != nil {
		return nil, err.Error()
	}
	text := fmt.Sprint(p.Problems, p.Notes, p.Waits, p.OnRecord())
	for _, c := range p.Changes {
		text += fmt.Sprintf("\n%s %s %s %s", c.Action, c.ID, c.Reason, c.Because)
		for _, d := range c.Diffs {
			text += " " + d.Attribute
		}
	}
	return p, text
}

// Whatever becomes of the files of a CA, a look that goes by what the kernel says of them
// finds what one finds that reads them all.
func TestAGlanceAtACAFindsWhatALookFinds(t *testing.T) {
	nettest.Root(t, "to own the files")
	resourcetest.Repeatable()
	rapid.Check(t, func(rt *rapid.T) {
		a := newAuthority(t)
		p, text := a.plan(nil)
		if p == nil {
			rt.Fatal(text)
		}
		a.e.Apply(context.Background(), p)
		paths := []string{"/pki/alice.key", "/pki/alice.crt", "/pki/bob.key", "/pki/bob.crt", "/pki/ca.crt", "/pki/crl.pem"}
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			a.settle()
			a.plan(a.e.Glance)
			path, other := rapid.SampledFrom(paths).Draw(rt, "path"), rapid.SampledFrom(paths).Draw(rt, "other")
			what := rapid.SampledFrom([]string{"nothing", "gone", "copied", "mode", "owner", "cut", "revoked", "forgotten", "renamed", "days", "back", "replaced"}).Draw(rt, "what")
			switch what {
			case "gone":
				_ = os.Remove(a.at(path))
			case "copied":
				a.put(path, a.get(other))
			case "replaced":
				a.put("/pki/new", a.get(other))
				a.must(os.Rename(a.at("/pki/new"), a.at(path)))
			case "mode":
				_ = os.Chmod(a.at(path), 0o640)
			case "owner":
				_ = os.Chown(a.at(path), 990, 0)
			case "cut":
				a.put(path, a.get(path)[:len(a.get(path))/2])
			case "revoked", "forgotten":
				names, err := filepath.Glob(a.at("/pki/issued/*.pem"))
				a.must(err)
				if len(names) > 0 && what == "forgotten" {
					a.must(os.Remove(names[0]))
				} else if len(names) > 0 {
					a.must(os.WriteFile(strings.TrimSuffix(names[0], "pem")+"revoked", nil, 0o600))
				}
			case "renamed":
				a.put("/etc/passwd", "boss:x:0:0::/root:/bin/sh\n")
			case "days":
				a.now = a.now.Add(time.Duration(rapid.IntRange(1, 70).Draw(rt, "days")) * 24 * time.Hour)
			case "back":
				a.now = a.now.Add(-48 * time.Hour)
			}
			_, with := a.plan(a.e.Glance)
			p, without := a.plan(nil)
			if with != without {
				rt.Fatalf("after %s of %s (%s)\n   with: %s\nwithout: %s", what, path, other, with, without)
			}
			if p != nil && rapid.Bool().Draw(rt, "repaired") {
				a.e.Apply(context.Background(), p)
			}
		}
	})
}
