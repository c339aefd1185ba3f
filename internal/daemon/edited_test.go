package daemon

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/state"
)

func TestEditedFilesAreToldOfAndNotTaken(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		is := func(valid, changed bool, words string) {
			t.Helper()
			r.want(map[string]string{"a": "1", "b": "1"})
			if c := r.status().Configuration; c.Valid != valid || c.Changed != changed || !strings.Contains(c.Diagnostics, words) || words == "" && c.Diagnostics != "" {
				t.Errorf("status: %+v", c)
			}
		}
		good := r.cfg
		bad := func() { r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() }) }
		bad()
		r.kickFiles()
		time.Sleep(calmness / 2)
		r.choose(func() { r.cfg, r.diags = good, nil }) // an editor that was half done
		r.edited()
		is(true, false, "")
		if r.logged("invalid") > 0 {
			t.Error(r.logs.String())
		}
		for range 3 {
			bad()
			r.edited()
			is(false, false, "Nonsense")
		}
		told := func(words string, times int) {
			t.Helper()
			if n := r.logged(words); n != times {
				t.Errorf("%s: told %d times", words, n)
			}
		}
		told("the configuration is invalid and not taken", 1)
		r.wish(map[string]string{"a": "2", "b": "1"})
		for range 3 {
			r.edited()
			is(true, true, "")
		}
		told("the files have changed since they were taken", 1)
		bad()
		r.edited()
		told("the configuration is invalid and not taken", 2)
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.edited()
		if s := r.status().Summary(); !strings.Contains(s, "the files have changed since") {
			t.Error(s)
		}
		r.choose(func() { r.cfg = good })
		r.edited()
		is(true, false, "")

		r.wish(map[string]string{"a": "refused", "b": "1"})
		refused := r.cfg
		r.reload()
		is(false, false, "thing.a")
		r.edited()
		is(false, false, "thing.a")
		r.choose(func() { r.cfg = good })
		r.edited()
		is(true, false, "")
		r.choose(func() { r.cfg = refused })
		r.edited()
		is(false, false, "thing.a")

		r.wish(map[string]string{"a": "2", "b": "1"})
		r.edited()
		is(true, true, "")
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "2"})
		if c := r.status().Configuration; !c.Valid || c.Changed {
			t.Errorf("after an apply: %+v", c)
		}
	})
}

// What a reload has read is taken, although nobody could put it on record yet.
func TestWhatWaitsForAnotherVPNDIsTaken(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		unlock, err := state.Lock(t.Context(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		for text, changed := range map[string]bool{"2": false, "3": true} {
			r.wish(map[string]string{"a": text, "b": "1"})
			r.edited()
			if c := r.status().Configuration; !c.Valid || c.Changed != changed {
				t.Errorf("%s: %+v", text, c)
			}
		}
	})
}

func TestUneditedFilesCostNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		loads := 0
		load := r.Load
		r.stop()
		r.Load = func() (*config.Config, hcl.Diagnostics) { loads++; return load() }
		r.start()
		before := loads
		time.Sleep(time.Hour)
		if loads != before {
			t.Errorf("read %d times in an idle hour", loads-before)
		}
	})
}
