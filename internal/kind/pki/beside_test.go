package pki

import (
	"os"
	"strings"
	"testing"

	"vpnd/internal/kind/pki/policy"
)

// A plan does not show the public key beside an OpenSSH key, nor is it given
// back: so one of somebody else's is not overwritten.
func TestPublicKeyOfOthersIsNotOverwritten(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	const foreign = "ssh-ed25519 AAAA somebody\n"
	r.put("/pki/id.pub", foreign)
	err := tryIt(r, v, "/pki/id", PrivateKey{Algorithm: p("ed25519"), Format: p(policy.OpenSSH)})
	if err == nil || !strings.Contains(err.Error(), "/pki/id.pub") {
		t.Error(err)
	}
	if _, err := os.Stat(r.at("/pki/id")); err == nil || r.get("/pki/id.pub") != foreign {
		t.Errorf("%v, %s", err, r.get("/pki/id.pub"))
	}
}
