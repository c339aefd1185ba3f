package daemon

import (
	"testing"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// A start is nobody's word: a crash, an upgrade and a boot go on with what was in
// force, and the status says that the files differ.
func TestEditedFilesDoNotGoLiveAtAStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.alter(func() { r.things["b"] = "9" })
		r.start()
		r.want(map[string]string{"a": "1", "b": "1"})
		if c := r.status().Configuration; !c.Valid || !c.Changed {
			t.Errorf("status: %+v", c)
		}
		r.boots = true
		r.stop()
		r.start()
		r.want(map[string]string{"a": "1"})
		r.reload()
		r.want(map[string]string{"a": "2"})
		if c := r.status().Configuration; c.Changed {
			t.Errorf("status: %+v", c)
		}
	})
}

// Mistakes in the files are told at a start too.
func TestMistakesAreToldAtAStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		r.start()
		r.want(map[string]string{"a": "1"})
		if c := r.status().Configuration; c.Valid || c.Diagnostics == "" || r.logged("the configuration is invalid and not taken") != 1 {
			t.Errorf("status: %+v\n%s", c, r.logs.String())
		}
	})
}

// That vpnd is only to look was somebody's word, and outlives the agent, also
// where an undo is held.
func TestObservingOutlivesTheAgent(t *testing.T) {
	bubble(t, func(r *rig) {
		restarted := func() {
			t.Helper()
			r.stop()
			r.alter(func() { r.things["b"] = "9" })
			r.start()
			if s := r.status(); s.Mode != "observe" || s.Configuration.Changed || r.prepares.Load() {
				t.Errorf("status: %+v, prepares: %v", s, r.prepares.Load())
			}
			r.want(map[string]string{"b": "9"})
		}
		r.start()
		r.wish(map[string]string{"a": "1", "b": "2"}, observe)
		r.reload()
		restarted()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		r.want(map[string]string{"a": "2", "b": "1"})
		if !r.prepares.Load() {
			t.Error("it is to repair, and prepares nothing")
		}
		r.rollback()
		r.wish(map[string]string{"a": "2", "b": "1"}, observe)
		r.reload()
		restarted()
	})
}

// destroyed takes all off the host, as vpnd destroy does.
func (r *rig) destroyed() {
	r.Helper()
	r.as(func(e *engine.Engine) error {
		p, err := e.Plan(r.Context(), resource.Desired{Absent: e.Leftovers(nil)})
		if err == nil {
			err = e.Store.Destroy(time.Now(), p.Touched())
		}
		if err == nil {
			err = e.Apply(r.Context(), p).Failed()
		}
		return err
	})
	r.rest()
}

// What was destroyed stays so across starts. Who writes another file after that
// and starts the agent, or reloads, begins anew: nothing of it is held.
func TestAnotherFileAfterDestroyConverges(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.destroyed()
		r.stop()
		r.start()
		r.want(map[string]string{"a": "", "b": ""})
		r.stop()
		r.wish(map[string]string{"a": "1", "b": "2"})
		r.start()
		r.want(map[string]string{"a": "1", "b": "2"})
		if s := r.status(); s.Suppressed != nil || s.Configuration.Changed {
			t.Errorf("status: %+v", s)
		}
		r.destroyed()
		r.wish(map[string]string{"a": "1", "b": "3"})
		r.edited()
		r.want(map[string]string{"a": "", "b": ""})
		r.reload()
		r.want(map[string]string{"a": "1", "b": "3"})
	})
}

// Files that the host refuses put nothing in force: after vpnd destroy the next start
// takes the files that are right.
func TestRefusedFilesAfterADestroy(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.destroyed()
		r.stop()
		r.wish(map[string]string{"a": "refused", "b": "2"})
		r.start()
		r.want(map[string]string{"a": "", "b": ""})
		r.stop()
		r.wish(map[string]string{"a": "2", "b": "2"})
		r.start()
		r.want(map[string]string{"a": "2", "b": "2"})
		if s := r.status(); s.Suppressed != nil {
			t.Errorf("suppressed: %+v", s.Suppressed)
		}
	})
}
