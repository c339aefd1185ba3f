package status

import (
	"net"
	"path/filepath"
	"testing"

	"vpnd/internal/resource"
)

func TestATunnelIsUpWhereItWasSeenToBe(t *testing.T) {
	type shape struct {
		Up *bool `vpnd:"up"`
	}
	if !predicate(&shape{resource.Ptr(true)}, "up") || predicate(&shape{resource.Ptr(false)}, "up") || predicate(&shape{}, "up") {
		t.Error("a tunnel that is up passes for one that is down, or the other way round")
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
