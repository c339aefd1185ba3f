package ipsec

import (
	"testing"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// The private key of a connection that is removed leaves charon with it, whoever loaded it,
// and so does the one from before its certificate was renewed. That of another one stays.
func TestThePrivateKeyGoesWithTheLastConnection(t *testing.T) {
	v, kill := host(t)
	const caFile = ca + "/sites.pem"
	a := newAuthority(t, caFile)
	file := func(dir, name string) string { return dir + "/" + name + ".pem" }
	load := func(name, cert, key string) {
		t.Helper()
		want := certified(file(certs, cert), file(private, key), caFile)
		normal, err := v.Normalize(t.Context(), map[string]*Connection{name: &want})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: name, Want: *normal[name]}}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(left int, names ...string) {
		t.Helper()
		if err := v.Remove(t.Context(), names); err != nil {
			t.Fatal(err)
		}
		conn, err := vici.Dial(t.Context(), v.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if ids, err := conn.Keys(t.Context()); err != nil || len(ids) != left {
			t.Errorf("after %q was removed charon has %d keys, and not %d: %v", names, len(ids), left, err)
		}
	}
	old, gw, other := newKey(t, file(private, "old")), newKey(t, file(private, "gw")), newKey(t, file(private, "other"))

	a.issues(file(certs, "gw"), "gw.example.com", 0x1001, old)
	load("dc", "gw", "old")
	a.issues(file(certs, "gw"), "gw.example.com", 0x1002, gw)
	load("dc", "gw", "gw")
	remove(0, "dc")
	load("dc", "gw", "gw")
	load("twin", "gw", "gw")
	remove(0, "dc", "twin")

	a.issues(file(certs, "same"), "same.example.com", 0x1003, gw)
	a.issues(file(certs, "other"), "other.example.com", 0x1004, other)
	load("dc", "gw", "gw")
	load("twin", "gw", "gw")
	load("same", "same", "gw")
	load("other", "other", "other")
	remove(2, "dc")
	remove(2, "twin")
	remove(2, "nobody")

	kill()
	start(t) // swanctl finds the keys by itself
	remove(2, "other")
	remove(1, "same") // one was never a connection's
}
