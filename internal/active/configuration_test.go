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

// A CA never goes at a reload, however small its share.
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
	cfg.Desired.Present = f.Present[:1]
	if got := f.Withheld(cfg); got != "" {
		t.Error(got)
	}
}
