package icmp

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func TestPing(t *testing.T) {
	nettest.Need(t)
	for _, c := range []struct {
		addr, through string
		answers       bool
	}{
		{"127.0.0.1", "", true},
		{"::1", "", true},
		{"127.0.0.1", "lo", true},
		{"127.0.0.1", "none0", false},
		{"192.0.2.9", "", false}, // no way there
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := Ping(ctx, netip.MustParseAddr(c.addr), c.through)
		cancel()
		if (err == nil) != c.answers {
			t.Errorf("%s through %q: %v", c.addr, c.through, err)
		}
	}
}

// Whoever waits for an answer that doesn't come waits until the context ends.
func TestPingEndsWithItsContext(t *testing.T) {
	nettest.Need(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := Ping(ctx, netip.MustParseAddr("224.0.0.251"), "lo"); err == nil { // a group nobody is in
		t.Error("nobody answered")
	}
	if ctx.Err() == nil {
		t.Error("it did not wait")
	}
}
