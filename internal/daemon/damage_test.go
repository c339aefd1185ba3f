package daemon

import (
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
)

// A host must not go without its rules since a disk was damaged: the agent goes on
// with what is in force, puts it on record again with what stood there before, and
// says so.
func TestDamagedRecordsAreMended(t *testing.T) {
	bubble(t, func(r *rig) {
		r.alter(func() { r.things["a"] = "theirs" })
		r.start()
		r.want(map[string]string{"a": "1", "b": "1"})
		if err := os.WriteFile(r.StateDir+"/records.jsonl", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.touch("a", "2", "")
		r.rest()
		r.want(map[string]string{"a": "1"})
		if n := r.logged("the records are set aside"); n != 1 {
			t.Errorf("told %d times\n%s", n, r.logs.String())
		}
		if _, err := os.Stat(r.StateDir + "/records.jsonl.damaged"); err != nil {
			t.Error(err)
		}
		r.as(func(e *engine.Engine) error {
			if n := len(e.Store.Records()); n != 2 {
				t.Errorf("%d things are on record", n)
			}
			return nil
		})
		r.destroyed()
		r.want(map[string]string{"a": "theirs", "b": ""})
	})
}

// What is in force is kept where the state lost it, and told until somebody
// applies; an agent that starts then has nothing to go on with but the files.
func TestADamagedConfigurationIsKept(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		damage := func() {
			t.Helper()
			if err := os.WriteFile(r.StateDir+"/wish.json", []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			r.choose(func() { r.kickState() })
			r.rest()
		}
		damage()
		r.touch("a", "2", "")
		r.rest()
		r.want(map[string]string{"a": "1"})
		if s := r.status(); !strings.Contains(s.Error, "wish.json is damaged") || !strings.Contains(s.Error, "vpnd apply") {
			t.Errorf("status: %q", s.Error)
		}
		r.wish(map[string]string{"a": "1", "b": "2"})
		r.as(func(e *engine.Engine) error { return Enforce(e.Store, r.cfg, nil, time.Now()) })
		r.rest()
		r.want(map[string]string{"a": "1", "b": "2"})
		if s := r.status(); s.Error != "" {
			t.Errorf("status: %q", s.Error)
		}
		damage()
		r.stop()
		r.wish(map[string]string{"a": "1", "b": "3"})
		r.start()
		r.want(map[string]string{"b": "3"})
	})
}
