package ipsec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/ipsec/proof"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// What charon refuses is refused before it is written, and before the one that runs
// sees it.
func TestCharonIsAskedBefore(t *testing.T) {
	v, _ := host(t)
	v.Proofs = new(proof.Cache)
	bad := tunnel(func(c *Connection) { c.Proposals = []string{"aes256gcm16-group14"} })
	good := tunnel(nil)
	normal, err := v.Normalize(t.Context(), map[string]*Connection{"bad": &bad, "good": &good})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Check(t.Context(), "bad", *normal["bad"]); err == nil || !strings.Contains(err.Error(), "charon refuses the connection: invalid value for: proposals") {
		t.Errorf("got %v", err)
	}
	if err := v.Check(t.Context(), "good", *normal["good"]); err != nil {
		t.Error(err)
	}
	conn, err := vici.Dial(t.Context(), v.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if there, err := conn.Configs(t.Context()); err != nil || len(there) > 0 {
		t.Errorf("the charon that runs has %v, %v", there, err)
	}
}

func TestPreflight(t *testing.T) {
	v, _ := host(t)
	want := tunnel(func(c *Connection) { c.PSK, c.PSKFile = nil, resource.Ptr("/etc/vpnd/none.psk") })
	normal, err := v.Normalize(t.Context(), map[string]*Connection{"dc": &want})
	if err != nil {
		t.Fatal(err)
	}
	err = v.Preflight(t.Context(), "dc", *normal["dc"], resource.Prospect{})
	if err == nil || err.Error() != "there is no /etc/vpnd/none.psk; see its spelling, or put it there" {
		t.Errorf("got %v", err)
	}
	id := resource.ID{Kind: resource.Path, Name: "/etc/vpnd/none.psk"}
	if err := v.Preflight(t.Context(), "dc", *normal["dc"], resource.Prospect{Step: 1, Coming: map[resource.ID]resource.Arrival{id: {By: id}}}); err != nil {
		t.Errorf("it comes with the plan, and is missed: %v", err)
	}
}

// A file with a pre-shared key is told where others can read it, and where the key is short.
func TestTheFileOfAKeyIsClosed(t *testing.T) {
	v, _ := host(t)
	file := filepath.Join(t.TempDir(), "psk")
	want := tunnel(func(c *Connection) { c.PSK, c.PSKFile = nil, &file })
	for _, c := range []struct {
		key  string
		mode os.FileMode
		says string
	}{
		{"a key that is long enough", 0o600, ""},
		{"a key that is long enough", 0o640, "others can read the pre-shared key in " + file + ", which has mode 0640"},
		{"a short key", 0o600, "the pre-shared key in " + file + " has fewer than 20 characters"},
	} {
		if err := errors.Join(os.WriteFile(file, []byte(c.key+"\n"), 0o600), os.Chmod(file, c.mode)); err != nil {
			t.Fatal(err)
		}
		err := v.Preflight(t.Context(), "dc", want, resource.Prospect{})
		var m *resource.Mistake
		if told := errors.As(err, &m); told != (c.says != "") || told && (m.Summary != c.says || !m.Warning) {
			t.Errorf("mode %o: got %v, want %q", c.mode, err, c.says)
		}
	}
}

// Two charons would fight over the ports and the socket: the elder one is told, unless it
// is dead or goes with the plan.
func TestTheElderCharonIsTold(t *testing.T) {
	v, _ := host(t)
	want := tunnel(nil)
	id := resource.ID{Kind: "unit", Name: "strongswan-starter.service"}
	goes := resource.Prospect{Step: 1, Coming: map[resource.ID]resource.Arrival{id: {By: id}}}
	t.Cleanup(func() { _ = os.Remove(starter) })
	for _, c := range []struct {
		number string
		plan   resource.Prospect
		told   bool
	}{{fmt.Sprintf("%d\n", os.Getpid()), resource.Prospect{}, true}, {fmt.Sprint(os.Getpid()), goes, false}, {"4194304\n", resource.Prospect{}, false}, {"", resource.Prospect{}, false}} {
		if err := os.WriteFile(starter, []byte(c.number), 0o644); err != nil {
			t.Fatal(err)
		}
		err := v.Preflight(t.Context(), "dc", want, c.plan)
		if told := err != nil && strings.HasPrefix(err.Error(), "another charon runs, that of strongswan-starter"); told != c.told || !told && err != nil {
			t.Errorf("%q: %v", c.number, err)
		}
	}
}
