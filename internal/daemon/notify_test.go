package daemon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
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
		n := newNotifier(slog.New(slog.DiscardHandler))
		n.put(Event{Text: "nobody listens"})
		n.set([]settings.Notify{{Command: []string{"/bin/sh", "-c", "cat >> " + out + "; echo >> " + out}}})
		for range 100 {
			n.put(Event{Event: "drift"})
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Minute)
		n.put(Event{Event: "drift", Text: "last"})
		n.close()
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

func TestDriftIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) {
			s.Notify = []settings.Notify{{Command: []string{"/bin/sh", "-c", "cat >> " + out}}}
			s.Metrics = &settings.Metrics{Textfile: resource.Ptr(r.StateDir + "/vpnd.prom")}
		})
		r.start()
		r.touch("a", "2", "evil (process 7)")
		r.rest()
		r.stop()
		text, err := os.ReadFile(r.StateDir + "/vpnd.prom")
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(r.StateDir + "/vpnd.prom"); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("node_exporter may not read it: %v, %v", info.Mode(), err)
		}
		for _, want := range []string{
			`vpnd_drift_total{kind="thing",reason="drift"} 1`, `vpnd_repairs_total{kind="thing",reason="drift",result="success"} 1`,
			`vpnd_repairs_total{kind="thing",reason="new",result="success"} 1`, `vpnd_drifted_resources{kind=""} 0`,
			"vpnd_configuration_valid 1", "vpnd_last_look_timestamp_seconds ", `vpnd_looks_total{noticed="event"}`,
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
	})
	data, err := os.ReadFile(out)
	var e Event
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err != nil || e.Event != "drift" || len(e.Drift) != 1 || e.Drift[0].By != "evil (process 7)" || e.Drift[0].Outcome != status.Repaired || e.Host == "" {
		t.Errorf("%s: %v", data, err)
	}
}

func TestAFightIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) {
			s.Notify = []settings.Notify{{Command: []string{"/bin/sh", "-c", "cat >> " + out}}}
			s.Metrics = &settings.Metrics{Textfile: resource.Ptr(out + ".prom")}
		})
		r.start()
		for range 8 {
			r.touch("a", "2", "evil (process 7)")
			time.Sleep(backoff.Flurry)
		}
		r.stop()
		text, err := os.ReadFile(out + ".prom")
		for _, want := range []string{`vpnd_contentions_total{kind="thing"} 1`, "vpnd_contended_resources 1"} {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%q is missing in\n%s\n%v", want, text, err)
			}
		}
	})
	kinds := make(map[string]int)
	for _, e := range told(t, out) {
		kinds[e.Event]++
		if len(e.Drift) != 1 || e.Drift[0].By != "evil (process 7)" || report.Moved(e.Drift[0].Diffs) != `text 2 instead of 1` {
			t.Errorf("%+v", e)
		}
		if e.Event == "contention" && e.Drift[0].Outcome != status.Flapping {
			t.Errorf("%+v", e)
		}
	}
	if len(kinds) != 2 || kinds["drift"] != backoff.MostRepairs || kinds["contention"] != 1 {
		t.Errorf("told: %v", kinds)
	}
}

// told reads what a command was told that keeps it in a file.
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

func TestWhatGoesWrongIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		tell := func(s *settings.Settings) { s.Notify = []settings.Notify{shell("cat >> " + out)} }
		var broken atomic.Bool
		broken.Store(true)
		r.Check = func(_ context.Context, checks []settings.Check) []confirm.Failure {
			if !broken.Load() {
				return nil
			}
			return []confirm.Failure{{Check: checks[0], Err: errors.New("nobody answers")}}
		}
		r.wish(map[string]string{"a": "1"}, tell)
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		good := r.cfg
		r.start()
		broken.Store(false)
		time.Sleep(6 * time.Minute)
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		r.reload()
		r.wish(map[string]string{"a": "refused"}, tell)
		r.reload()
		r.choose(func() { r.cfg = good })
		r.reload()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "")
		time.Sleep(time.Minute)
		r.alter(func() { r.broken["a"] = false })
		time.Sleep(time.Minute)
		if err := os.WriteFile(r.StateDir+"/records.jsonl", []byte("garbage\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.touch("a", "2", "")
		time.Sleep(time.Minute)
	})
	want := []string{
		"check: check door does not hold: nobody answers", "check: check door holds again",
		"configuration: the configuration is invalid", "configuration: the host would refuse the configuration",
		"drift: thing.a drifted: text 2 instead of 1; failed", "drift: thing.a drifted: text 2 instead of 1; repaired", "failure: ",
	}
	var got []string
	for _, e := range told(t, out) {
		got = append(got, e.Event+": "+e.Text)
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("told: %q", got)
	}
}

// Whoever reads the files again tells nobody twice, and nobody is told by two.
func TestTheSameOneIsToldOnce(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	n := newNotifier(slog.New(slog.DiscardHandler))
	one := shell("cat >> " + out)
	for range 3 {
		n.set([]settings.Notify{one, one})
	}
	first := n.targets[0]
	n.put(Event{Event: "drift"})
	n.set([]settings.Notify{one})
	if len(n.targets) != 1 || n.targets[0] != first {
		t.Error("another queue, and another allowance, after each reload")
	}
	n.close()
	if events := told(t, out); len(events) != 1 {
		t.Errorf("told %d times", len(events))
	}
}
