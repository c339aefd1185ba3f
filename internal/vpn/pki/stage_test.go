package pki

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

// site is a host that has some files and lacks what others have to bring.
type site struct {
	stands map[string]any    // by path
	lacks  map[string]string // what has to be brought for a file, by path
	err    error
}

func (s site) Observe(r resource.Resource) (any, error) { return s.stands[r.ID.Name], s.err }
func (s site) Awaits(r resource.Resource) string        { return s.lacks[r.ID.Name] }

const office = "/var/lib/vpnd/pki/office/"

// third is a PKI below a CA elsewhere that is to have its third CA.
func third() *PKI {
	p := under(&PKI{CACertificate: resource.Ptr("/etc/acme-root.crt")})
	p.CAGeneration = resource.Ptr(3)
	return p
}

// A CA signs once it has begun, and one after the other.
func TestStage(t *testing.T) {
	signature := func(files ...string) map[string]string {
		all := make(map[string]string)
		for _, f := range files {
			all[office+f] = "a signature"
		}
		return all
	}
	stands := func(usage string, current bool) *pki.Certificate {
		return &pki.Certificate{Usage: &usage, Current: &current}
	}
	good, bad := stands("ca", true), stands("ca", false)
	for name, c := range map[string]struct {
		on     site
		signs  string
		next   string // what is prepared; empty for nothing
		former int
	}{
		"nothing has to wait":                             {site{}, "ca-3.crt", "", 2},
		"the second waits":                                {site{lacks: signature("ca-2.crt", "ca-3.crt")}, "ca.crt", "ca-2.crt", 0},
		"the second waits, the third does not":            {site{lacks: signature("ca-2.crt")}, "ca.crt", "ca-2.crt", 0},
		"the second stands":                               {site{stands: map[string]any{office + "ca-2.crt": good}, lacks: signature("ca-2.crt", "ca-3.crt")}, "ca-2.crt", "ca-3.crt", 1},
		"something else stands there":                     {site{stands: map[string]any{office + "ca-2.crt": bad}, lacks: signature("ca-2.crt", "ca-3.crt")}, "ca.crt", "ca-2.crt", 0},
		"what was signed for the second is no CA":         {site{stands: map[string]any{office + "ca-2.crt": stands("signing", true)}, lacks: signature("ca-2.crt", "ca-3.crt")}, "ca.crt", "ca-2.crt", 0},
		"nothing is left of the second but its successor": {site{stands: map[string]any{office + "crl-3.pem": &pki.CRL{}}, lacks: signature("ca-2.crt", "ca-3.crt")}, "ca-3.crt", "", 2},
		"the list of the second stands, and alone":        {site{stands: map[string]any{office + "crl-2.pem": &pki.CRL{}}, lacks: signature("ca-2.crt", "ca-3.crt")}, "ca-2.crt", "ca-3.crt", 1},
		"both are there":                                  {site{stands: map[string]any{office + "crl-2.pem": &pki.CRL{}, office + "ca-3.crt": good}, lacks: signature("ca-3.crt")}, "ca-3.crt", "", 2},
	} {
		p := third()
		if err := p.Stage("office", c.on); err != nil {
			t.Fatal(err)
		}
		a := p.Exports("office").(pki.Authority)
		if c.next != "" {
			c.next = office + c.next
		}
		got := []any{a.Certificate, a.Next, len(a.Clients["alice"].Former)}
		if diff := cmp.Diff([]any{office + c.signs, c.next, c.former}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if err := third().Stage("office", site{err: errors.New("permission denied")}); err == nil || err.Error() != "looking how far the CA number 3 has come: permission denied" {
		t.Errorf("it is not known, and the error is %v", err)
	}
}

// Whoever read the configuration before another command had the next CA begin goes by a
// stage that is over.
func TestStageThatIsOver(t *testing.T) {
	waits := site{lacks: map[string]string{office + "ca-2.crt": "a signature"}}
	p := third()
	if err := p.Stage("office", waits); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		on    site
		moved bool
	}{{waits, false}, {site{}, true}} {
		if moved, err := resource.Moved(p, "office", c.on); err != nil || moved != c.moved || p.signing != 1 {
			t.Errorf("moved %t instead of %t, %v, and the CA number %d signs", moved, c.moved, err, p.signing)
		}
	}
	if _, err := resource.Moved(p, "office", site{err: errors.New("permission denied")}); err == nil {
		t.Error("what can't be looked at is where it was")
	}
}

// The key of a CA that waits may be away like that of the one that signs.
func TestMovesWaiting(t *testing.T) {
	p := third()
	p.CAKeyAway = resource.Ptr(true)
	if err := p.Stage("office", site{lacks: map[string]string{office + "ca-2.crt": "a signature"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{office + "ca.key", office + "ca-2.key"}, p.Moves("office").Away); diff != "" {
		t.Error(diff)
	}
}

// While the next CA waits, all is as it was without it, and beside that stands what it
// needs itself, on which nothing rests.
func TestExpandWaiting(t *testing.T) {
	of := func(p *PKI) map[string]resource.Resource {
		all, err := p.Expand("office")
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string]resource.Resource)
		for _, r := range all {
			found[r.ID.Name] = r
		}
		return found
	}
	linked := seed()
	linked.CAGeneration = resource.Ptr(3)
	for name, c := range map[string]struct {
		p     *PKI
		lacks string
		extra []string
	}{
		"elsewhere": {third(), "ca-2.crt", []string{"ca-2.crt", "ca-2.key", "office-ca-2.csr"}},
		"its own, whose key has to sign the next": {linked, "link-2.crt", []string{"ca-2.crt", "ca-2.key", "link-2.crt"}},
	} {
		plain := *c.p
		plain.CAGeneration = nil
		if err := c.p.Stage("office", site{lacks: map[string]string{office + c.lacks: "something"}}); err != nil {
			t.Fatal(err)
		}
		before, waiting := of(&plain), of(c.p)
		var extra []string
		for path, r := range waiting {
			if want, was := before[path]; was {
				if diff := cmp.Diff(vpntest.Print([]resource.Resource{want}), vpntest.Print([]resource.Resource{r})); diff != "" {
					t.Errorf("%s: %s is another: %s", name, path, diff)
				}
				continue
			}
			extra = append(extra, strings.TrimPrefix(path, office))
			if a, may := r.Want.(resource.Aside); !may || !a.Aside() {
				t.Errorf("%s: others wait for %s", name, path)
			}
		}
		slices.Sort(extra)
		if diff := cmp.Diff(c.extra, extra); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if lost := slices.DeleteFunc(slices.Collect(maps.Keys(before)), func(path string) bool { return waiting[path].ID.Name != "" }); len(lost) > 0 {
			t.Errorf("%s: it lacks %v", name, lost)
		}
		a := c.p.Exports("office").(pki.Authority)
		a.Next = ""
		if diff := cmp.Diff(plain.Exports("office"), any(a)); diff != "" {
			t.Errorf("%s: others see it: %s", name, diff)
		}
	}
}

// A CA below one that waits for its next is signed by the one that signs now.
func TestBelowOneThatWaits(t *testing.T) {
	p := third()
	if err := p.Stage("office", site{lacks: map[string]string{office + "ca-2.crt": "a signature"}}); err != nil {
		t.Fatal(err)
	}
	a := p.Exports("office").(pki.Authority)
	lab := &PKI{Parent: &a, Subject: &pki.Subject{CommonName: "Acme Lab CA"}}
	all, err := lab.Expand("lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if strings.Contains(vpntest.Print([]resource.Resource{r}), "ca-2") {
			t.Errorf("%s rests on what waits", r.ID)
		}
	}
}
