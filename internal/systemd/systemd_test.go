package systemd

import (
	"bufio"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// fake is a systemd on a socket that answers a call once it has held back so
// many; it returns how to connect.
func fake(t *testing.T, held int) func(...dbus.ConnOption) (*dbus.Conn, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "private")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() })
		serve(c, held)
	}()
	return func(o ...dbus.ConnOption) (*dbus.Conn, error) { return dbus.Dial("unix:path="+path, o...) }
}

func serve(c net.Conn, held int) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch word, how, _ := strings.Cut(strings.Trim(line, "\x00\r\n"), " "); word {
		case "AUTH":
			if how == "" {
				_, _ = c.Write([]byte("REJECTED EXTERNAL\r\n"))
				continue
			}
			_, _ = c.Write([]byte("OK 0123456789abcdef0123456789abcdef\r\n"))
		case "NEGOTIATE_UNIX_FD":
			_, _ = c.Write([]byte("ERROR\r\n"))
		case "BEGIN":
			answer(c, r, held)
			return
		}
	}
}

func answer(c net.Conn, r *bufio.Reader, held int) {
	var first uint32
	for n := 1; ; n++ {
		m, err := dbus.DecodeMessage(r)
		if err != nil {
			return
		}
		if n == 1 {
			first = m.Serial()
		}
		if n == held+1 {
			reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(first)}}
			_ = reply.EncodeTo(c, binary.LittleEndian)
		}
	}
}

// TestDialReminds meets a systemd that forgets the first call.
func TestDialReminds(t *testing.T) {
	for _, held := range []int{0, 1, 3} {
		conn, err := dial(t.Context(), 10*time.Second, greet, fake(t, held), nil)
		if err != nil {
			t.Fatalf("%d calls held back: %v", held, err)
		}
		conn.Close()
	}
}

// TestDialGivesUp meets one that never answers.
func TestDialGivesUp(t *testing.T) {
	began := time.Now()
	_, err := dial(t.Context(), 200*time.Millisecond, greet, fake(t, 1<<30), nil)
	if err == nil || err.Error() != "it has not answered within 200ms" || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}
