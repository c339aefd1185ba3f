package wgkey

import (
	"crypto/rand"
	"strings"
	"testing"

	"vpnd/internal/kind/pki/derived"
)

// alicePrivate is a vector of RFC 7748, section 6.1, in base64.
const alicePrivate = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="

func TestKeysAreClampedAndSharedOnesAreNot(t *testing.T) {
	s := &derived.Scene{Host: derived.Host{Rand: rand.Reader}}
	made, err := NewWireGuardKeys(s.Host).Build(s, "", nil, WireGuardKey{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseWireGuardKey(made.Data)
	if err != nil || key[0]&7 != 0 || key[31]&128 != 0 || key[31]&64 == 0 {
		t.Errorf("a key that is not clamped, %v", err)
	}
	if made, err = NewWireGuardPSKs(s.Host).Build(s, "", nil, WireGuardPSK{}); err != nil {
		t.Fatal(err)
	}
	if psk, err := parseWireGuardKey(made.Data); err != nil || len(psk) != wireGuardBytes {
		t.Errorf("%d bytes, %v", len(psk), err)
	}
}

func TestWhatIsNoKey(t *testing.T) {
	if _, err := parseWireGuardKey([]byte(alicePrivate + "\n")); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "short", alicePrivate + alicePrivate, strings.TrimSuffix(alicePrivate, "="), strings.Replace(alicePrivate, "o=", "p=", 1)} {
		if _, err := parseWireGuardKey([]byte(bad)); err == nil {
			t.Errorf("%q passes for a key", bad)
		}
	}
}
