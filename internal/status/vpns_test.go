package status

import (
	"net"
	"path/filepath"
	"testing"
)

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
