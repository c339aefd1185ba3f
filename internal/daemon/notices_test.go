package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/notify"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// shell is somebody who is told by a shell script.
func shell(script string) settings.Notify {
	return settings.Notify{Command: []string{"/bin/sh", "-c", script}}
}

func TestDriftIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) {
			s.Notify = []settings.Notify{shell("cat >> " + out)}
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
			"vpnd_configuration_valid 1", "vpnd_reconcile_last_timestamp_seconds ", `vpnd_reconcile_total{noticed="event"}`,
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
	})
	data, err := os.ReadFile(out)
	var e notify.Event
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	if err != nil || e.Event != notify.Drift || len(e.Drift) != 1 || e.Drift[0].By != "evil (process 7)" || e.Drift[0].Outcome != status.Repaired || e.Host == "" {
		t.Errorf("%s: %v", data, err)
	}
}

func TestFlappingIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) {
			s.Notify = []settings.Notify{shell("cat >> " + out)}
			s.Metrics = &settings.Metrics{Textfile: resource.Ptr(out + ".prom")}
		})
		r.start()
		for range 8 {
			r.touch("a", "2", "evil (process 7)")
			time.Sleep(backoff.Flurry)
		}
		r.stop()
		text, err := os.ReadFile(out + ".prom")
		for _, want := range []string{`vpnd_flapping_total{kind="thing"} 1`, "vpnd_flapping_resources 1"} {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%q is missing in\n%s\n%v", want, text, err)
			}
		}
	})
	kinds := make(map[notify.Kind]int)
	for _, e := range told(t, out) {
		kinds[e.Event]++
		if len(e.Drift) != 1 || e.Drift[0].By != "evil (process 7)" || report.Moved(e.Drift[0].Diffs) != `text 2 instead of 1` {
			t.Errorf("%+v", e)
		}
		if e.Event == notify.Flapping && e.Drift[0].Outcome != status.Flapping {
			t.Errorf("%+v", e)
		}
	}
	if len(kinds) != 2 || kinds[notify.Drift] != backoff.MostRepairs || kinds[notify.Flapping] != 1 {
		t.Errorf("told: %v", kinds)
	}
}

// told reads what a command was told that keeps it in a file.
func told(t *testing.T, out string) (events []notify.Event) {
	t.Helper()
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for in := json.NewDecoder(file); ; {
		var e notify.Event
		if err := in.Decode(&e); err != nil {
			return events
		}
		events = append(events, e)
	}
}

func TestWhatGoesWrongIsNotified(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		tell := func(s *settings.Settings) {
			s.Notify = []settings.Notify{shell("cat >> " + out)}
		}
		var broken atomic.Bool
		broken.Store(true)
		r.Host.Check = func(_ context.Context, checks []settings.Check) []confirm.Failure {
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
		got = append(got, string(e.Event)+": "+e.Text)
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("told: %q", got)
	}
}

// News of a tunnel that are due while repairs wait for somebody else wait with them, and
// wake nobody meanwhile.
func TestNewsOfTunnelsWaitWithRepairs(t *testing.T) {
	bubble(t, func(r *rig) {
		asked := 0
		busy := r.Host.Busy
		r.Host.Busy = func() string { r.alter(func() { asked++ }); return busy() }
		r.wish(map[string]string{"a": "1", "tun:dc": "up"})
		r.start()
		r.choose(func() { r.busy = "apt-get (process 12)" })
		r.alter(func() { r.cut = map[string]string{"dc": "no answer"} })
		r.touch("dc", "up", "")
		r.touch("a", "2", "")
		time.Sleep(time.Minute)
		r.alter(func() {
			if asked > 120 {
				t.Errorf("asked %d times in a minute whether somebody is at work", asked)
			}
		})
		r.choose(func() { r.busy = "" })
		time.Sleep(5 * time.Second)
		if r.logged("a tunnel is down") != 1 {
			t.Errorf("not told of\n%s", r.logs.String())
		}
	})
}

// While the host boots its tunnels are on their way, and nobody is told that they are
// down yet.
func TestTunnelsComeUpWithTheHost(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"tun:dc": "up"})
		r.choose(func() { r.boots = true })
		r.alter(func() { r.things["dc"], r.cut = "up", map[string]string{"dc": "no answer"} })
		r.start()
		time.Sleep(time.Minute)
		if r.logged("a tunnel is down") > 0 {
			t.Errorf("told while the host boots\n%s", r.logs.String())
		}
		r.choose(func() { r.boots = false })
		time.Sleep(15 * time.Second)
		if r.logged("a tunnel is down") != 1 {
			t.Errorf("not told of\n%s", r.logs.String())
		}
	})
}

// A tunnel that is down is told of once it has been for a moment, without a further
// event, and so is that it is back: in the journal, the history and to others. One that
// goes up and down is told of once.
func TestTunnelsThatAreLostAreNews(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "tun:dc": "up"}, func(s *settings.Settings) { s.Notify = []settings.Notify{shell("cat >> " + out)} })
		r.start()
		turn := func(why string, kick bool) {
			r.alter(func() { r.cut = map[string]string{"dc": why} })
			if kick {
				r.touch("dc", "up", "")
			}
		}
		turn("no answer", true)
		time.Sleep(5 * time.Second)
		if s := r.status(); len(s.Tunnels) != 1 || s.Tunnels[0].Up || s.Tunnels[0].DownSince.IsZero() || len(s.Drift) > 0 {
			t.Errorf("%+v", s.Tunnels)
		}
		if r.logged("a tunnel is down") > 0 {
			t.Error("told at once")
		}
		time.Sleep(10 * time.Second)
		if r.logged("a tunnel is down") != 1 {
			t.Errorf("not told in time\n%s", r.logs.String())
		}
		time.Sleep(20 * time.Minute)
		turn("", true)
		r.rest()
		for range 20 {
			turn("no answer", true)
			time.Sleep(15 * time.Second)
			turn("", true)
			time.Sleep(15 * time.Second)
		}
		time.Sleep(20 * time.Minute)
		if r.logged("a tunnel is up again") == 0 || r.logged("again and again") != 1 || r.logged("keeps still") != 1 {
			t.Error(r.logs.String())
		}
		store, err := state.Read(r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := store.History()
		if err != nil {
			t.Fatal(err)
		}
		var past []string
		for _, e := range entries {
			if e.Command == state.Tunnel {
				past = append(past, e.Changes[0].ID.String()+" "+e.Changes[0].Reason+" "+e.Changes[0].Outcome)
			}
		}
		if want := "[tun.dc down no answer tun.dc up again "; !strings.HasPrefix(fmt.Sprint(past), want) || len(past) > 14 {
			t.Errorf("history: %q", past)
		}
	})
	var texts []string
	for _, e := range told(t, out) {
		if e.Event == notify.Tunnel {
			texts = append(texts, e.Text)
			if len(e.Tunnels) != 1 || e.Tunnels[0].ID.Name != "dc" {
				t.Errorf("%+v", e.Tunnels)
			}
		}
	}
	if len(texts) < 4 || len(texts) > 14 || texts[0] != "tunnel dc of block.b is down: no answer" || texts[len(texts)-1] != "tunnel dc of block.b keeps still: it is up" {
		t.Errorf("%q", texts)
	}
}
