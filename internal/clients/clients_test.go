package clients

import (
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Who has one certificate that stands is in, whatever became of earlier ones; who
// has none but revoked ones is out.
func TestEnter(t *testing.T) {
	soon, later := time.Unix(1e9, 0), time.Unix(2e9, 0)
	l := list{}
	l.enter(engine.Roll{Blocks: []string{"pki.office"}, Holders: []resource.Holder{
		{Name: "alice", Serial: "1", Revoked: true},
		{Name: "alice", Serial: "2", NotAfter: soon},
		{Name: "alice", Serial: "3", NotAfter: later},
		{Name: "guest", Serial: "4", Revoked: true},
		{Name: "", Serial: "5", Revoked: true}, // nobody knows whose it was
	}})
	if len(l) != 2 {
		t.Errorf("%d are told of, want alice and guest", len(l))
	}
	if c := l["alice"]; c == nil || c.Revoked || c.Serial != "3" || !c.NotAfter.Equal(later) || len(c.Blocks) == 0 || c.Blocks[0] != "pki.office" {
		t.Errorf("alice: %+v", c)
	}
	if c := l["guest"]; c == nil || !c.Revoked || !c.NotAfter.IsZero() {
		t.Errorf("guest: %+v", c)
	}
}

// What can't be read as a certificate has no end that anybody could tell.
func TestEnds(t *testing.T) {
	for _, data := range []string{"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if at, serial := Ends([]byte(data), nil); !at.IsZero() || serial != "" {
			t.Errorf("%q: %v, %q", data, at, serial)
		}
	}
}
