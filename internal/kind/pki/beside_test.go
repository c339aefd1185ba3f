package pki

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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

// Of many files the one that can't be written is named, and the others are written.
func TestWhatCanNotBeWrittenIsNamed(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	items := []resource.Item[PrivateKey]{{Name: "/pki/one"}, {Name: "/nowhere/two"}, {Name: "/pki/three"}}
	for i, item := range items {
		normal, err := v.Normalize(t.Context(), map[string]*PrivateKey{item.Name: {Algorithm: p("ed25519")}})
		if err != nil {
			t.Fatal(err)
		}
		items[i].Want = *normal[item.Name]
	}
	named, general := resource.Split(v.Apply(t.Context(), items))
	if general != nil || len(named) != 1 || named["/nowhere/two"] == nil {
		t.Errorf("named %v, general %v", named, general)
	}
	for _, path := range []string{"/pki/one", "/pki/three"} {
		if _, err := os.Stat(r.at(path)); err != nil {
			t.Error(err)
		}
	}
}

// A certificate that stands and is in no ledger could not be revoked.
func TestLedgerIsWrittenFirst(t *testing.T) {
	r := newRoom(t)
	r.newCA("ed25519")
	makeIt(r, newPrivateKeys(r.Host), "/pki/a.key", PrivateKey{})
	left := "/pki/issued/.0123.pem.vpnd-ABCDEFGH"
	r.put(left, "half of it")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ledger := 0
	for _, dir := range []string{"/pki", "/pki/issued"} {
		if ledger, err = unix.InotifyAddWatch(fd, r.at(dir), unix.IN_MOVED_TO|unix.IN_CREATE); err != nil {
			t.Fatal(err)
		}
	}
	makeIt(r, newCertificates(r.Host), "/pki/a.crt", leaf("a", policy.UsageClient))
	var came []string
	events := make([]byte, 1<<16)
	n, err := unix.Read(fd, events)
	if err != nil {
		t.Fatal(err)
	}
	for events = events[:n]; len(events) > 0; {
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:size]), "\x00")
		if in := int(binary.NativeEndian.Uint32(events)); in == ledger && strings.HasSuffix(name, ".pem") {
			came = append(came, "entry")
		} else if name == "a.crt" {
			came = append(came, "certificate")
		}
		events = events[size:]
	}
	if !slices.Equal(came, []string{"entry", "certificate"}) {
		t.Errorf("on disk came %q", came)
	}
	if err := newCertificates(r.Host).Tidy("/pki/a.crt", leaf("a", policy.UsageClient)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.at(left)); err == nil {
		t.Error("what a killed writer left in the ledger stays")
	}
}
