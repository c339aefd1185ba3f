package lab_test

import (
	"net/netip"
	"testing"

	"vpnd/internal/lab/labtest"
)

func TestTwoHosts(t *testing.T) {
	l := labtest.New(t)
	ctx := t.Context()
	a, err := l.Host(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Host(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("booted in %s and %s", a.BootTime(), b.BootTime())
	if err := l.Link(a, "eth0", netip.MustParsePrefix("192.0.2.1/24"), b, "eth0", netip.MustParsePrefix("192.0.2.2/24")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Run(ctx, "ping", "-c1", "-W2", "192.0.2.2"); err != nil {
		t.Fatal(err)
	}
}
