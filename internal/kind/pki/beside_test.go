package pki

import (
	"os"
	"strings"
	"testing"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
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

// Nor is it removed with the key that it stands beside.
func TestPublicKeyOfOthersIsNotRemoved(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	if err := tryIt(r, v, "/pki/id", PrivateKey{Algorithm: p("ed25519"), Format: p(policy.OpenSSH)}); err != nil {
		t.Fatal(err)
	}
	const foreign = "ssh-ed25519 AAAA somebody\n"
	r.put("/pki/id.pub", foreign)
	if err := v.Remove(t.Context(), []string{"/pki/id"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.at("/pki/id")); err == nil || r.get("/pki/id.pub") != foreign {
		t.Errorf("%v, %s", err, r.get("/pki/id.pub"))
	}
}

// What a killed writer left beside the public key goes with what it left beside the key.
func TestTidyIsBesideThePublicKeyToo(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	key := PrivateKey{Algorithm: p("ed25519"), Format: p(policy.OpenSSH)}
	if err := tryIt(r, v, "/pki/id", key); err != nil {
		t.Fatal(err)
	}
	left := []string{"/pki/.id.vpnd-ABCDEFGH", "/pki/.id.pub.vpnd-ABCDEFGH"}
	for _, path := range left {
		r.put(path, "half of it")
	}
	if err := v.Tidy("/pki/id", key); err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if _, err := os.Stat(r.at(path)); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}

// Where one of many files can't be written none is, and none is told as done.
func TestWhereOneCanNotBeWrittenNoneIsDone(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	items := []resource.Item[PrivateKey]{{Name: "/pki/one"}, {Name: "/nowhere/two"}}
	for i, item := range items {
		normal, err := v.Normalize(t.Context(), map[string]*PrivateKey{item.Name: {Algorithm: p("ed25519")}})
		if err != nil {
			t.Fatal(err)
		}
		items[i].Want = *normal[item.Name]
	}
	named, general := resource.Split(v.Apply(t.Context(), items))
	_, err := os.Stat(r.at("/pki/one"))
	if done := named["/pki/one"] == nil && general == nil; done || err == nil {
		t.Errorf("done: %v, it stands: %v", done, err == nil)
	}
	if general == nil || !strings.Contains(general.Error(), "/nowhere/two") {
		t.Errorf("what is wrong is not named: %v", general)
	}
}
