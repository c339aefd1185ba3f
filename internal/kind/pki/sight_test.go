package pki

import (
	"context"
	"crypto/x509"
	"os"
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// A sighting is another one as soon as anything has changed that a key or a certificate
// is told by, and none where that could not be seen.
func TestASightingTellsOfAllThatMatters(t *testing.T) {
	nettest.Root(t, "to own the files")
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	makeIt(r, newPrivateKeys(r.Host), "/pki/alice.key", PrivateKey{})
	makeIt(r, newCertificates(r.Host), "/pki/alice.crt", leaf("alice", policy.UsageClient))
	r.now = r.now.Add(time.Hour)
	cert := leaf("alice", policy.UsageClient)
	certificate := func() resource.Sighting { return sightOf(newCertificates(r.Host), "/pki/alice.crt", &cert) }
	key := func() resource.Sighting { return sightOf(newPrivateKeys(r.Host), "/pki/alice.key", &PrivateKey{}) }
	touch := func(path string) func() { return func() { r.put(path, r.get(path)) } }
	for what, c := range map[string]struct {
		change func()
		key    bool // it concerns the key too
	}{
		"the certificate was written": {touch("/pki/alice.crt"), false},
		"the key was written":         {touch("/pki/alice.key"), true},
		"the key was written without a trace": {func() {
			r.stealthily("/pki/alice.key", r.get("/pki/alice.key"))
		}, true},
		"the CA was written":             {touch("/pki/ca.crt"), false},
		"the certificate is revoked":     {func() { r.put("/pki/issued/00.revoked", "") }, false},
		"others may read the key":        {func() { _ = os.Chmod(r.at("/pki/alice.key"), 0o640) }, true},
		"there is another user":          {func() { r.put("/etc/passwd", r.get("/etc/passwd")+"bob:x:7:7::/:/bin/sh\n") }, true},
		"there is another group":         {func() { r.put("/etc/group", r.get("/etc/group")+"bob:x:7:\n") }, true},
		"the clock is known to be right": {func() { r.synchronized = !r.synchronized }, true},
	} {
		before, keyBefore := certificate(), key()
		c.change()
		after, keyAfter := certificate(), key()
		if none := (resource.Sighting{}); before == none || keyBefore == none || after == none || keyAfter == none {
			t.Fatalf("%s: there is no sighting", what)
		}
		if before == after {
			t.Errorf("%s: the certificate stands", what)
		}
		if (keyBefore == keyAfter) == c.key {
			t.Errorf("%s: whether the key stands is %v", what, !c.key)
		}
		if certificate() != after || key() != keyAfter {
			t.Errorf("%s: at rest it is another one each time", what)
		}
	}
}

// Of what may change without a trace there is no sighting, nor of what is told by more
// than its sources.
func TestWhatCanNotBeToldOfHasNoSighting(t *testing.T) {
	nettest.Root(t, "to own the files")
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	makeIt(r, newPrivateKeys(r.Host), "/pki/alice.key", PrivateKey{})
	makeIt(r, newCertificates(r.Host), "/pki/alice.crt", leaf("alice", policy.UsageClient))
	hour := r.now.Add(time.Hour)
	with := func(change func(*Certificate)) *Certificate {
		want := leaf("alice", policy.UsageClient)
		change(&want)
		return &want
	}
	same := func(*Certificate) {}
	for what, c := range map[string]struct {
		now    time.Time
		change func()
		undo   func()
		want   *Certificate
	}{
		"a file that changed just now": {now: time.Now().Add(time.Second), want: with(same)},
		"a key that is gone": {
			now: hour, want: with(same),
			change: func() { _ = os.Rename(r.at("/pki/alice.key"), r.at("/pki/away")) },
			undo:   func() { _ = os.Rename(r.at("/pki/away"), r.at("/pki/alice.key")) },
		},
		"a CA behind a link": {
			now: hour, want: with(same),
			change: func() {
				_ = os.Rename(r.at("/pki/ca.crt"), r.at("/pki/real"))
				_ = os.Symlink("real", r.at("/pki/ca.crt"))
			},
			undo: func() { _ = os.Rename(r.at("/pki/real"), r.at("/pki/ca.crt")) },
		},
		"a file of somebody else": {
			now: hour, want: with(same),
			change: func() { _ = os.Chown(r.at("/pki/alice.crt"), 990, 990) },
			undo:   func() { _ = os.Chown(r.at("/pki/alice.crt"), 0, 0) },
		},
		"one that stands for itself":           {now: hour, want: with(func(c *Certificate) { c.Issuer, c.IssuerKey = nil, nil })},
		"one whose CA is elsewhere":            {now: hour, want: with(func(c *Certificate) { c.IssuerKey = nil; c.Request = p("/pki/alice.csr") })},
		"a CA":                                 {now: hour, want: with(func(c *Certificate) { c.Usage = p(policy.UsageCA) })},
		"one that is brought back by bytes":    {now: hour, want: with(func(c *Certificate) { c.PEM = p("") })},
		"one of an owner from who knows where": {now: hour, want: with(func(c *Certificate) { c.Owner = p("alice@directory") })},
	} {
		r.now = hour
		if sightOf(newCertificates(r.Host), "/pki/alice.crt", with(same)) == (resource.Sighting{}) {
			t.Fatalf("%s: there is no sighting before", what)
		}
		if r.now = c.now; c.change != nil {
			c.change()
		}
		if sightOf(newCertificates(r.Host), "/pki/alice.crt", c.want) != (resource.Sighting{}) {
			t.Errorf("%s has a sighting", what)
		}
		if c.undo != nil {
			c.undo()
		}
	}
	for what, want := range map[string]*PrivateKey{
		"the key of a CA":              {Certificate: p("/pki/ca.crt")},
		"a key with a half beside it":  {Format: p(policy.OpenSSH)},
		"a key that comes back as was": {PEM: resource.NewSecret("x")},
	} {
		if r.now = hour; sightOf(newPrivateKeys(r.Host), "/pki/alice.key", want) != (resource.Sighting{}) {
			t.Errorf("%s has a sighting", what)
		}
	}
}

func sightOf[T any](v resource.Sighter[T], name string, want *T) resource.Sighting {
	all := v.Sight(context.Background(), []string{name}, []*T{want})
	if len(all) == 0 {
		return resource.Sighting{}
	}
	return all[0]
}

// What was found to be fresh is so until its renewal window begins.
func TestACertificateLastsUntilItIsToBeRenewed(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.now = r.now.Add(24 * time.Hour)
	makeIt(r, newPrivateKeys(r.Host), "/pki/alice.key", PrivateKey{})
	want, v := leaf("alice", policy.UsageClient), newCertificates(r.Host)
	makeIt(r, v, "/pki/alice.crt", want)
	observe := func() *Certificate {
		seen, err := v.Observe(context.Background(), map[string]*Certificate{"/pki/alice.crt": &want})
		if err != nil || seen["/pki/alice.crt"] == nil {
			t.Fatal(err)
		}
		return seen["/pki/alice.crt"]
	}
	if got := observe(); got.PEM == nil || v.Lasts(got, r.now) {
		t.Error("one that was read lasts")
	}
	got := observe()
	until := *got.FreshUntil
	if !v.Lasts(got, r.now) || !v.Lasts(got, until.Add(-time.Second)) || v.Lasts(got, until) {
		t.Errorf("until %s it lasts: %v, %v, and then %v", until, v.Lasts(got, r.now), v.Lasts(got, until.Add(-time.Second)), v.Lasts(got, until))
	}
	if r.now = until; v.Lasts(observe(), r.now) {
		t.Error("one that is to be renewed lasts")
	}
	r.now = certificateOf(t, r, "/pki/alice.crt").NotBefore.Add(-time.Hour)
	if got := observe(); got.Clock == nil || v.Lasts(got, r.now) {
		t.Errorf("one from the future lasts, with the clock %v", got.Clock)
	}
	// Its CA tells of that then, and may have begun while this has not.
	r.now = certificateOf(t, r, "/pki/ca.crt").NotBefore.Add(-time.Hour)
	if got := observe(); resource.Or(got.Clock, "") != "" || v.Lasts(got, r.now) {
		t.Errorf("one from the future, and its CA too, lasts, with the clock %v", got.Clock)
	}
}

// What was read whole is judged by more than its sources, as a key is by its public half
// where that stands beside it, and its bytes are not kept in memory.
func TestWhatWasReadWholeDoesNotLast(t *testing.T) {
	r := newRoom(t)
	v, want := newPrivateKeys(r.Host), &PrivateKey{}
	lasts := func(path string) bool {
		seen, err := v.Observe(context.Background(), map[string]*PrivateKey{path: want})
		if err != nil || !*seen[path].Current {
			t.Fatalf("%s: %v, current: %v", path, err, seen[path].Current)
		}
		return v.Lasts(seen[path], r.now)
	}
	makeIt(r, v, "/pki/alice.key", *want)
	if r.now = r.now.Add(time.Hour); lasts("/pki/alice.key") {
		t.Error("a key that was read lasts")
	}
	if !lasts("/pki/alice.key") {
		t.Error("a key that is remembered does not last")
	}
	r.run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", "pki/ssh")
	for range 2 {
		if lasts("/pki/ssh") {
			t.Error("a key lasts whose public half is beside it")
		}
	}
}

func certificateOf(t *testing.T, r *room, path string) *x509.Certificate {
	t.Helper()
	cert, err := policy.ParseCertificate([]byte(r.get(path)))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
