// Package labtest lends tests a lab, so that package lab need not know about
// testing.
package labtest

import (
	"context"
	"os"
	"testing"

	"vpnd/internal/lab"
	"vpnd/internal/nettest"
)

// New makes a lab of the release that tests are about where they say nothing, see
// [Of].
func New(t testing.TB, packages ...string) *lab.Lab {
	t.Helper()
	return Of(t, lab.Bookworm, packages...)
}

// OnEach runs a test for each release of Debian that hosts can be of, side by side.
func OnEach(t *testing.T, test func(t *testing.T, release string)) {
	t.Helper()
	for _, release := range lab.Releases() {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			test(t, release)
		})
	}
}

// Of makes a lab that ends with the test, its hosts, three at most at a time, of a
// release of Debian and with these packages besides. Without root the test is left out,
// see [nettest.LeaveOut]. When the test fails, the last lines on its hosts' consoles are
// logged.
func Of(t testing.TB, release string, packages ...string) *lab.Lab {
	t.Helper()
	return For(t, 3, release, packages...)
}

// For makes a lab as [Of] does, with so many hosts at most at a time. It waits for
// room for them, as others do who run beside; so none shall ask for more than it needs.
func For(t testing.TB, hosts int, release string, packages ...string) *lab.Lab {
	t.Helper()
	nettest.Root(t, "to boot hosts")
	l, err := lab.New(t.Context(), lab.Options{Progress: t.Output(), Release: release, Packages: packages, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, h := range l.Hosts() {
				t.Logf("last on the console of %s:\n%s", h.Name(), h.LastWords())
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Roots are the root file systems of a host of each release, for tests that need
// what is on one and no host.
func Roots() ([]string, error) {
	var all []string
	for _, release := range lab.Releases() {
		root, err := lab.Root(context.Background(), release, os.Stderr)
		if err != nil {
			return nil, err
		}
		all = append(all, root)
	}
	return all, nil
}

// Host boots a host or fails the test; so does a host with failed units.
func Host(t testing.TB, l *lab.Lab, name string) *lab.Host {
	t.Helper()
	h, err := l.Host(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if units := h.Degraded(); len(units) > 0 {
		t.Fatalf("%s booted degraded: %q failed", name, units)
	}
	return h
}

// Run runs a command on the host, returns what it wrote to standard output, and
// fails the test when the command does.
func Run(t testing.TB, h *lab.Host, argv ...string) string {
	t.Helper()
	out, err := h.Run(t.Context(), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
