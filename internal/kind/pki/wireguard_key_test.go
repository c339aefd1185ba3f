package pki

import (
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/kind/pki/wgkey"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// The vectors of RFC 7748, section 6.1, in base64.
const (
	alicePrivate = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
	alicePublic  = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
)

// What stands there is kept, and its public key is the one that everybody computes.
func TestPublicKeyOfWireGuard(t *testing.T) {
	r := newRoom(t)
	v := wgkey.NewWireGuardKeys(r.Host)
	r.put("/pki/wg0.key", alicePrivate)
	makeIt(r, v, "/pki/wg0.key", wgkey.WireGuardKey{})
	got, err := resourcetest.Observe(t.Context(), v, "/pki/wg0.key")
	if err != nil || *got.Public != alicePublic || !*got.Current {
		t.Errorf("%+v, %v", got, err)
	}
	if r.get("/pki/wg0.key") != alicePrivate || r.get("/pki/wg0.key.pub") != alicePublic+"\n" {
		t.Errorf("%q beside it", r.get("/pki/wg0.key.pub"))
	}
	r.put("/pki/wg0.key.pub", alicePrivate) // of another key
	if got, err := resourcetest.Observe(t.Context(), v, "/pki/wg0.key"); err != nil || *got.Current {
		t.Errorf("another public key passes for its own: %+v, %v", got, err)
	}
	makeIt(r, v, "/pki/wg0.key", wgkey.WireGuardKey{})
	if r.get("/pki/wg0.key.pub") != alicePublic+"\n" {
		t.Errorf("%q beside it", r.get("/pki/wg0.key.pub"))
	}
	if err := resourcetest.Remove(t.Context(), v, "/pki/wg0.key"); err != nil {
		t.Error(err)
	}
	if left, err := r.List("/pki"); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// A key of somebody who was shut out stays while they are, and they come in again with
// another one; only what was there before is lost with a key.
func TestWhoComesBackHasAnotherKeyOfWireGuard(t *testing.T) {
	r := newRoom(t)
	v := wgkey.NewWireGuardKeys(r.Host)
	const name = "/pki/wg0.key"
	normal := func(want wgkey.WireGuardKey) *wgkey.WireGuardKey {
		all, err := v.Normalize(t.Context(), map[string]*wgkey.WireGuardKey{name: &want})
		if err != nil {
			t.Fatal(err)
		}
		return all[name]
	}
	see := func(want *wgkey.WireGuardKey) *wgkey.WireGuardKey {
		all, err := v.Observe(t.Context(), map[string]*wgkey.WireGuardKey{name: want})
		if err != nil {
			t.Fatal(err)
		}
		return all[name]
	}
	makeIt(r, v, name, wgkey.WireGuardKey{})
	out := normal(wgkey.WireGuardKey{Revoked: resource.Ptr(true)})
	first := see(out)
	if !*first.Current {
		t.Error("the key goes with whoever has it")
	}
	makeIt(r, v, name, *out)
	in := normal(v.Recall(wgkey.WireGuardKey{}, *out))
	if *see(in).Current {
		t.Error("who was shut out comes in with the same key")
	}
	if lost := v.Invalidates(see(in), in); lost != "" {
		t.Errorf("a key that is no good is lost: %s", lost)
	}
	makeIt(r, v, name, *in)
	if second := see(in); *second.Public == *first.Public || !*second.Current {
		t.Errorf("%s, %s: %t", *first.Public, *second.Public, *second.Current)
	}
	again := normal(v.Recall(wgkey.WireGuardKey{Revoked: resource.Ptr(true)}, *in))
	if len(again.Spent) != 2 {
		t.Errorf("spent are %q", again.Spent)
	}
}

// wg(8) reads what is made here, where it is installed.
func TestKeysAreThoseOfWG(t *testing.T) {
	r := newRoom(t)
	makeIt(r, wgkey.NewWireGuardKeys(r.Host), "/pki/k", wgkey.WireGuardKey{})
	makeIt(r, wgkey.NewWireGuardPSKs(r.Host), "/pki/psk", wgkey.WireGuardPSK{})
	wg, err := exec.LookPath("wg")
	if err != nil {
		t.Log("without wg its opinion is not asked; the system tests have it")
		return
	}
	cmd := exec.Command(wg, "pubkey")
	cmd.Stdin = strings.NewReader(r.get("/pki/k"))
	if out, err := cmd.Output(); err != nil || string(out) != r.get("/pki/k.pub") {
		t.Errorf("wg pubkey: %q, %v", out, err)
	}
}
