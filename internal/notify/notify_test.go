package notify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/config/settings"
)

func event() []byte { return []byte(`{"event":"drift"}`) }

func TestCommandIsToldOnItsInput(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := tell(t.Context(), settings.Notify{Command: []string{"/bin/sh", "-c", "cat > " + out}}, event()); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(out); err != nil || !bytes.Equal(data, event()) {
		t.Errorf("%s, %v", data, err)
	}
	if err := tell(t.Context(), settings.Notify{Command: []string{"/bin/false"}}, event()); err == nil {
		t.Error("a failure was not noticed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if err := tell(ctx, settings.Notify{Command: []string{"/bin/sleep", "60"}}, event()); err == nil || time.Since(begun) > 5*time.Second {
		t.Errorf("a command that hangs: %v after %v", err, time.Since(begun))
	}
}

// web is a web service that answers everything with a status, and returns the
// request.
func web(t *testing.T, status string) (address string, request func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		var head strings.Builder
		size := 0
		for {
			line, err := r.ReadString('\n')
			head.WriteString(line)
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &size)
			if err != nil || line == "\r\n" {
				break
			}
		}
		body := make([]byte, size)
		_, _ = io.ReadFull(r, body)
		_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		got <- head.String() + string(body)
	}()
	return l.Addr().String(), func() string { return <-got }
}

func TestPost(t *testing.T) {
	address, request := web(t, "204 No Content")
	if err := post(t.Context(), "http://me:secret@"+address+"/hooks?id=1", event()); err != nil {
		t.Fatal(err)
	}
	got := request()
	for _, want := range []string{"POST /hooks?id=1 HTTP/1.1\r\n", "Host: " + address, "Content-Type: application/json", "Authorization: Basic bWU6c2VjcmV0\r\n", "\r\n\r\n" + string(event())} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// Whoever answers can't have the event sent on to somebody else, and what they
// answer is not read.
func TestPostFollowsNobody(t *testing.T) {
	elsewhere, _ := web(t, "200 OK")
	address, _ := web(t, "302 Found\r\nLocation: http://"+elsewhere+"/")
	if err := post(t.Context(), "http://"+address+"/", event()); err == nil || !strings.Contains(err.Error(), address+` answered "302 Found"`) {
		t.Error(err)
	}
}

func TestErrorsOfPostKeepTheAddressSecret(t *testing.T) {
	address, _ := web(t, "403 Forbidden")
	for _, url := range []string{"http://me:secret@" + address + "/token", "http://me:secret@127.0.0.1:1/token", "https://me:secret@" + address + "/token", "http://me:secret@\x7f/token"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := post(ctx, url, event())
		cancel()
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "token") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNotificationsAreLimited(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	synctest.Test(t, func(t *testing.T) {
		n := New(slog.New(slog.DiscardHandler))
		n.Tell(Event{Text: "nobody listens"})
		n.Set([]settings.Notify{{Command: []string{"/bin/sh", "-c", "cat >> " + out + "; echo >> " + out}}})
		for range 100 {
			n.Tell(Event{Event: "drift"})
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Minute)
		n.Tell(Event{Event: "drift", Text: "last"})
		n.Close()
	})
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	var last Event
	leftOut := 0
	for _, line := range lines {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatal(err)
		}
		leftOut += last.LeftOut
	}
	if len(lines) != 12 || len(lines)+leftOut != 101 || last.Text != "last" || last.FormatVersion == "" {
		t.Errorf("%d told, %d left out, the last: %+v", len(lines), leftOut, last)
	}
}

// Whoever reads the files again tells nobody twice, and nobody is told by two.
func TestTheSameOneIsToldOnce(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	n := New(slog.New(slog.DiscardHandler))
	one := shell("cat >> " + out)
	for range 3 {
		n.Set([]settings.Notify{one, one})
	}
	first := n.targets[0]
	n.Tell(Event{Event: "drift"})
	n.Set([]settings.Notify{one})
	if len(n.targets) != 1 || n.targets[0] != first {
		t.Error("another queue, and another allowance, after each reload")
	}
	n.Close()
	if events := told(t, out); len(events) != 1 {
		t.Errorf("told %d times", len(events))
	}
}

func told(t *testing.T, out string) (events []Event) {
	t.Helper()
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for in := json.NewDecoder(file); ; {
		var e Event
		if err := in.Decode(&e); err != nil {
			return events
		}
		events = append(events, e)
	}
}
