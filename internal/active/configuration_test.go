package active

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// Where in the files a check stands is no part of the wish, or a line more above
// it would be another configuration.
func TestPlaceOfACheckIsNoPartOfTheWish(t *testing.T) {
	here, err := encodeChecks([]settings.Check{{Name: "door", Range: hcl.Range{Filename: "a.hcl"}}})
	if err != nil {
		t.Fatal(err)
	}
	if there, err := encodeChecks([]settings.Check{{Name: "door", Range: hcl.Range{Filename: "b.hcl"}}}); err != nil || !bytes.Equal(here, there) {
		t.Errorf("%s, %s, %v", here, there, err)
	}
}

// signer is the shape of a certificate, of a CA or not.
type signer bool

func (s signer) Signs() bool { return bool(s) }

// waiting is the shape of the certificate of a CA that does not sign yet.
type waiting struct{ signer }

func (waiting) Aside() bool { return true }

// A CA never goes at a reload, however small its share, and none ceases to sign.
func TestACANeverGoesAtAReload(t *testing.T) {
	named := func(kind, name, usage string) resource.Resource {
		return resource.Resource{ID: resource.ID{Kind: kind, Name: name}, Want: signer(usage == "ca")}
	}
	rest := []resource.Resource{named("certificate", "/server.crt", "server"), named("file", "/etc/motd", "")}
	f := &Configuration{Present: append([]resource.Resource{named("certificate", "/ca.crt", "ca")}, rest...)}
	cfg := &config.Config{Desired: resource.Desired{Present: rest}}
	if got := f.Withheld(cfg); !strings.HasPrefix(got, "the files would take away the CA /ca.crt, and with it void all that it signed; ") {
		t.Error(got)
	}
	next := resource.Resource{ID: f.Present[0].ID, Want: waiting{true}}
	cfg.Desired.Present = append([]resource.Resource{next}, rest...)
	if got := f.Withheld(cfg); !strings.HasPrefix(got, "the files would take away the CA /ca.crt, and with it void all that it signed; ") {
		t.Errorf("it would cease to sign: %q", got)
	}
	back := &Configuration{Present: cfg.Desired.Present}
	for _, now := range [][]resource.Resource{f.Present, back.Present} {
		cfg.Desired.Present = now
		if got := back.Withheld(cfg); got != "" {
			t.Errorf("it does not sign yet: %s", got)
		}
	}
	cfg.Desired.Present = f.Present[:1]
	if got := f.Withheld(cfg); got != "" {
		t.Error(got)
	}
}
