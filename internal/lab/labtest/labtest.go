// Package labtest lends tests a lab.
package labtest

import (
	"os"
	"testing"

	"vpnd/internal/lab"
)

// New makes a lab that ends with the test. Without root the test is skipped, but
// not where CI is "true": there a missing lab is a failure. When the test fails,
// the consoles of its hosts are logged.
func New(t testing.TB) *lab.Lab {
	t.Helper()
	NeedRoot(t)
	l, err := lab.New(t.Context(), lab.Options{Progress: t.Output()})
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

// NeedRoot skips the test without root, but not where CI is "true".
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("CI") != "true" {
		t.Skip("needs root: it boots hosts")
	}
}
