package daemon

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/engine"
)

// A server speaks with one at a time, so that events are no reason to ask it.
func TestServersAreAskedOnceAMinute(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := &agent{Options: Options{Now: func() time.Time { return now }}}
	for _, c := range []struct {
		after   time.Duration
		noticed string
		asked   bool
	}{{0, byEvent, true}, {59 * time.Second, byEvent, false}, {time.Second, byEvent, true}, {time.Second, byTimer, true}} {
		now = now.Add(c.after)
		(&look{agent: a, noticed: c.noticed}).ask(t.Context(), &engine.Plan{})
		if got := a.asked.Equal(now); got != c.asked {
			t.Errorf("%s after %s: asked %v", c.noticed, c.after, got)
		}
	}
}

func TestServerThatIsDownAndOneThatIsNotUnderstood(t *testing.T) {
	s := Server{Socket: filepath.Join(t.TempDir(), "socket"), Up: true, Error: "old"}
	if s.Ask(t.Context()); s.Up || s.Error != "" {
		t.Errorf("of one that is down: %+v", s)
	}
	l, err := net.Listen("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	if s.Ask(t.Context()); !s.Up || s.Error == "" {
		t.Errorf("of one that hangs up: %+v", s)
	}
}
