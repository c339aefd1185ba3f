package notify

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// shell is somebody who is told by a shell script.
func shell(script string) settings.Notify {
	return settings.Notify{Command: []string{"/bin/sh", "-c", script}}
}

// until waits for something, generously.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(8 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 8 seconds: %s", what)
		}
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func TestACommandThatHangsIsKilledWithItsChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- tell(ctx, shell("sleep 100 & echo $! > "+file+".new; mv "+file+".new "+file+"; wait"), event())
	}()
	until(t, "the command has a child", func() bool { return exists(file) })
	child, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("nothing is told of it")
	}
	until(t, "the child has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestACommandThatTakesTooLongIsNamed(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := tell(ctx, settings.Notify{Command: []string{"/bin/sleep", "60"}}, event())
	if err == nil || err.Error() != "running /bin/sleep: it did not end in time and was killed" {
		t.Errorf("got %v", err)
	}
}

func TestACommandIsTakenIntoNoConfidence(t *testing.T) {
	t.Setenv("VPND_VAR_password", "hunter2")
	out := filepath.Join(t.TempDir(), "out")
	if err := tell(t.Context(), shell("env > "+out+"; pwd >> "+out), event()); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(out); err != nil || strings.Contains(string(data), "hunter2") || strings.Contains(string(data), "VPND") || !strings.HasSuffix(string(data), "\n/\n") {
		t.Errorf("%s, %v", data, err)
	}
}

func TestOneWhoIsSlowKeepsNobodyWaiting(t *testing.T) {
	dir := t.TempDir()
	quick, released := filepath.Join(dir, "quick"), filepath.Join(dir, "go")
	slow := shell("for i in $(seq 90); do test -e " + released + " && break; sleep 0.1; done; echo >> " + dir + "/slow")
	n := New(slog.New(slog.DiscardHandler))
	n.Set([]settings.Notify{slow, shell("echo >> " + quick)})
	for range 5 {
		n.Tell(Event{Event: "drift"})
	}
	until(t, "the quick one was told all", func() bool {
		data, _ := os.ReadFile(quick)
		return len(data) == 5
	})
	if exists(dir + "/slow") {
		t.Error("the slow one was not slow")
	}
	n.Set([]settings.Notify{slow}) // the other is to be told no more
	n.Tell(Event{Event: "drift"})
	if err := os.WriteFile(released, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the slow one was told all", func() bool {
		data, _ := os.ReadFile(dir + "/slow")
		return len(data) == 6
	})
	n.Close()
	if data, _ := os.ReadFile(quick); len(data) != 5 {
		t.Errorf("the quick one was told %d times", len(data))
	}
}

func TestOneWhoHangsDoesNotKeepTheAgent(t *testing.T) {
	n := New(slog.New(slog.DiscardHandler))
	n.Set([]settings.Notify{shell("sleep 100")})
	for range 3 {
		n.Tell(Event{Event: "drift"})
	}
	begun := time.Now()
	n.Close()
	if took := time.Since(begun); took > tellTime {
		t.Errorf("it took %s", took)
	}
}

func TestAnEventTellsOfSome(t *testing.T) {
	var all []status.Drift
	for i := range 1000 {
		all = append(all, status.Drift{
			ID: resource.ID{Kind: "secret_file", Name: fmt.Sprint("/", i)}, Outcome: status.Repaired, By: "vim (process 7)", Noticed: "event",
			Diffs: []resource.Diff{{Attribute: "content", Sensitive: true}},
		})
	}
	e := Drifted(all)
	if len(e.Drift) != MostTold || e.DriftLeftOut != 1000-MostTold || !strings.HasSuffix(e.Text, "\nand 950 more, of which vpnd status tells") {
		t.Errorf("%d told, %d left out: %s", len(e.Drift), e.DriftLeftOut, e.Text[max(0, len(e.Text)-100):])
	}
	if e := Drifted(all[:1]); e.Text != `secret_file["/0"] drifted: content (sensitive); repaired; by vim (process 7)` || e.DriftLeftOut != 0 {
		t.Errorf("%s", e.Text)
	}
}

// Whoever puts an event is the agent, which does not wait for anybody.
func TestAFullQueueKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := newTarget(shell("true"), slog.New(slog.DiscardHandler))
		for i := range mostQueue + 8 {
			one.put(Event{Time: time.Now().Add(time.Duration(i) * perEvent)})
		}
		if len(one.events) != mostQueue || one.leftOut != 8 {
			t.Errorf("%d wait, %d are left out", len(one.events), one.leftOut)
		}
	})
}

func TestWhoIsWho(t *testing.T) {
	url := func(address string) settings.Notify { return settings.Notify{URL: &address} }
	all := []settings.Notify{url("http://a/"), url("http://b/"), shell("a"), shell("b")}
	for i, one := range all {
		for j, other := range all {
			if got := newTarget(one, nil).is(other); got != (i == j) {
				t.Errorf("%d is %d: %v", i, j, got)
			}
		}
	}
}
