package daemon

import (
	"bytes"
	"context"
	"os"
	"slices"
	"testing"

	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/state"
)

// What the files ask for as it is now is held no longer, and that is written only
// by who has the lock.
func TestHoldEndsForWhatIsAskedForAsItIs(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "2"})
		r.reload()
		r.rollback()
		before, err := os.ReadFile(r.StateDir + "/hold.json")
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := state.Lock(t.Context(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		if now, err := os.ReadFile(r.StateDir + "/hold.json"); err != nil || !bytes.Equal(now, before) {
			t.Errorf("written beside another vpnd: %s, %v", now, err)
		}
		unlock()
		r.rest()
		if h := r.status().Suppressed; h == nil || len(h.IDs) != 1 || h.IDs[0].Name != "a" {
			t.Errorf("held: %+v", h)
		}
		r.wish(map[string]string{"a": "2", "b": "2"})
		r.reload()
		r.want(map[string]string{"a": "1", "b": "2"})
	})
}

func TestOtherChecksAreWatchedBesideAHold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.Host.Check = func(context.Context, []settings.Check) []confirm.Failure { return nil }
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		r.rollback()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		r.reload()
		r.want(map[string]string{"a": "1"})
		if s := r.status(); !slices.Equal(s.Watched, []string{"door"}) || s.Suppressed == nil {
			t.Errorf("watched: %q, held: %+v", s.Watched, s.Suppressed)
		}
	})
}
