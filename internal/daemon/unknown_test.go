package daemon

import (
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/state"
)

// A directory where a file was is told in every place where drift is: the headline,
// the history, the metrics and the events, with who made it. All of that once.
func TestWhatCanNotBeLookedAtAnyMoreIsTold(t *testing.T) {
	out := t.TempDir() + "/told"
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1"}, func(s *settings.Settings) { s.Notify = []settings.Notify{shell("cat >> " + out)} })
		r.start()
		r.alter(func() { r.hidden = map[string]string{"a": "a directory stands there"} })
		for range 3 {
			r.touch("a", "1", "mkdir (process 7)")
			r.rest()
		}
		s := r.status()
		if len(s.Unknown) != 1 || s.Unknown[0].Address != "block.b" || s.Unknown[0].By != "mkdir (process 7)" || s.Unknown[0].Noticed != byEvent {
			t.Errorf("status: %+v", s.Unknown)
		}
		if got := s.Summary(); got != "1 could not be observed." || !r.everTold("STATUS="+got) {
			t.Errorf("summary: %s", got)
		}
		time.Sleep(time.Hour)
		past := left(r)
		if len(past) != 1 || past[0].Reason != "unknown" || past[0].By != "mkdir (process 7)" || past[0].Error != "a directory stands there" {
			t.Errorf("history: %+v", past)
		}
		r.alter(func() { r.hidden = nil })
		r.touch("a", "1", "")
		r.rest()
		if got := r.status().Summary(); got != "The host is as the configuration says." || r.logged("a resource can be looked at again") != 1 {
			t.Errorf("summary: %s\n%s", got, r.logs.String())
		}
	})
	told, err := os.ReadFile(out)
	for deadline := time.Now().Add(8 * time.Second); err != nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		told, err = os.ReadFile(out)
	}
	words := `thing.a can't be looked at and is left alone: a directory stands there; by mkdir (process 7)`
	if strings.Count(string(told), words) != 1 || !strings.Contains(string(told), `"outcome":"unknown","error":"a directory stands there"`) {
		t.Errorf("events: %s", told)
	}
}

// left is what the history tells of what was left alone.
func left(r *rig) (all []state.Done) {
	r.Helper()
	r.as(func(e *engine.Engine) error {
		past, err := e.Store.History()
		for _, entry := range past {
			if entry.Command == state.Noticed {
				all = append(all, entry.Changes...)
			}
		}
		return err
	})
	return all
}

// What drifted before it could not be looked at any more is not told as put
// right by somebody, and one that fails in another way is news.
func TestDriftThatCanNotBeLookedAt(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1", "b": "1"}, observe)
		r.reload()
		r.touch("a", "2", "vi (process 1)")
		r.rest()
		for _, why := range []string{"a directory stands there", "a device stands there"} {
			r.alter(func() { r.hidden = map[string]string{"a": why} })
			r.touch("a", "2", why+"'s maker (process 2)")
			r.rest()
		}
		if n := r.logged("a drift is gone"); n > 0 || r.logged("a resource can't be looked at") != 2 {
			t.Error(r.logs.String())
		}
		if past := left(r); len(past) != 3 || past[2].By != "a device stands there's maker (process 2)" {
			t.Errorf("history: %+v", past)
		}
		r.alter(func() { r.hidden = nil })
		r.touch("a", "2", "")
		r.rest()
		if s := r.status(); len(s.Unknown) > 0 || len(s.Drift) != 1 {
			t.Errorf("status: %+v %+v", s.Unknown, s.Drift)
		}
	})
}
