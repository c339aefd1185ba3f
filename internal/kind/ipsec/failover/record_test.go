package failover

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"testing"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// busy is a charon that is about to establish the first connection for ever.
type busy struct{ *world }

func (busy) look(_ context.Context, names []string) (map[string]connection, error) {
	all := map[string]connection{names[0]: {Name: names[0], Peer: names[0], SAs: []vici.SA{{State: "CONNECTING"}}}}
	return all, nil
}

// A failover is there where it is on record, and all that is asked of it is.
func TestConform(t *testing.T) {
	w := busy{newWorld()}
	first := *filled(Failover{Connections: []string{"a", "b"}, Probe: []netip.Addr{netip.MustParseAddr("172.31.0.10")}})
	second := *filled(Failover{Connections: []string{"b", "c"}, Settle: resource.Ptr(resource.Day)})
	for _, f := range []*Failover{&first, &second} {
		f.Moves, f.Well, f.CarriedBy = []string{}, []string{}, resource.Ptr("")
		f.Standing = &ipsec.States{{Why: "nothing carries"}}
	}
	resourcetest.Conform(t, Verbs{Records: t.TempDir(), Memory: new(Memory), charon: w}, resourcetest.Case[Failover]{
		Name: "vpc", First: first, Second: second,
	})
}

// A record that is cut short is none, and is nobody's secret.
func TestRecord(t *testing.T) {
	v := Verbs{Records: t.TempDir() + "/failover"}
	if err := v.keep("vpc", Failover{Connections: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{v.Records: 0o700, v.file("vpc"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.WriteFile(v.file("vpc"), []byte(`{"connections":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := v.recorded("vpc"); got != nil || err != nil {
		t.Errorf("it says %+v, %v", got, err)
	}
}

// The last record takes its directory along, so that nothing is left on the host.
func TestNothingIsLeftOfRecords(t *testing.T) {
	v := Verbs{Records: t.TempDir() + "/failover"}
	for _, name := range []string{"vpc", "dc"} {
		if err := v.keep(name, Failover{Connections: []string{"a", "b"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Remove(t.Context(), []string{"vpc"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(v.file("dc")); err != nil {
		t.Errorf("the other record: %v", err)
	}
	if err := v.Remove(t.Context(), []string{"dc"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(v.Records); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}

func TestValidate(t *testing.T) {
	both := []string{"a", "b"}
	for _, c := range []struct {
		name string
		f    Failover
		path string
	}{
		{"vpc", Failover{Connections: both}, ""},
		{"vpc", Failover{Connections: both, Mode: resource.Ptr(route), Interfaces: both, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, ""},
		{"../vpc", Failover{Connections: both}, "label"},
		{"vpc", Failover{Connections: []string{"a"}}, "connections"},
		{"vpc", Failover{Connections: []string{"a", "a"}}, "connections"},
		{"vpc", Failover{Connections: both, Mode: resource.Ptr("both")}, "mode"},
		{"vpc", Failover{Connections: both, Interfaces: both}, "mode"},
		{"vpc", Failover{Connections: both, Mode: resource.Ptr(route), Interfaces: []string{"a"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "interfaces"},
		{"vpc", Failover{Connections: both, Mode: resource.Ptr(route), Interfaces: both}, "networks"},
		{"vpc", Failover{Connections: both, Mode: resource.Ptr(route), Interfaces: both, Metric: new(int), Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "metric"},
		{"vpc", Failover{Connections: both, Settle: new(resource.Duration)}, "settle"},
	} {
		got := c.f.Validate(c.name)
		path := ""
		if len(got) > 0 {
			if path = got[0].Path; path == "" {
				path = "label"
			}
			if got[0].Hint == "" {
				t.Errorf("%+v: no way out of %s", c.f, got[0].Summary)
			}
		}
		if path != c.path {
			t.Errorf("%s %+v: %+v", c.name, c.f, got)
		}
	}
}
