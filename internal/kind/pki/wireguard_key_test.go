package pki

import (
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/kind/pki/wgkey"
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
