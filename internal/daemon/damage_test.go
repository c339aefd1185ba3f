package daemon

import (
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
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
// applies. An agent that starts then takes the files where they ask for what was
// applied last, and nothing of files that were edited since.
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
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "1", "b": "2"})
		if s := r.status(); s.Error != "" {
			t.Errorf("status: %q", s.Error)
		}
		damage()
		r.stop()
		r.alter(func() { r.things["b"] = "9" })
		r.start()
		r.want(map[string]string{"a": "1", "b": "2"})
		if s := r.status(); s.Error != "" {
			t.Errorf("status: %q", s.Error)
		}
		for _, edit := range []map[string]string{{"a": "1", "b": "3"}, {"a": "1"}, {"a": "1", "b": "2", "c": "1"}} {
			damage()
			r.stop()
			r.wish(edit)
			r.start()
			r.want(map[string]string{"a": "1", "b": "2", "c": ""})
			if s := r.status(); !strings.Contains(s.Error, "wish.json is damaged") || !strings.Contains(s.Error, "vpnd apply") {
				t.Errorf("status: %q", s.Error)
			}
			r.wish(map[string]string{"a": "1", "b": "2"})
			time.Sleep(retry + 2*time.Second)
			if s := r.status(); s.Error != "" {
				t.Errorf("status: %q", s.Error)
			}
		}
		damage()
		r.stop()
		r.wish(map[string]string{"a": "1", "b": "3"})
		r.start()
		r.reload()
		r.want(map[string]string{"b": "3"})
		if aside, err := os.ReadFile(r.StateDir + "/wish.json.damaged"); string(aside) != "garbage" {
			t.Errorf("set aside: %q, %v", aside, err)
		}
	})
}

// A host whose rules went with a boot does not forward where what is in force is
// damaged and the files are others.
func TestADamagedConfigurationFailsClosed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.boot()
		r.start()
		r.stop()
		if err := os.WriteFile(r.StateDir+"/wish.json", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		r.cfg.Desired.Present[0].Want = &thing{Text: resource.Ptr("2")}
		r.start()
		r.want(map[string]string{guard.Name: "1", forward: "1"})
		r.stop()
		r.alter(func() { delete(r.things, guard.Name) })
		r.start()
		r.want(map[string]string{guard.Name: "", forward: "0", forwards6.Name: "1"})
		if s := r.status(); len(s.FailClosed) != 1 || s.FailClosed[0] != forwards {
			t.Errorf("shut: %v", s.FailClosed)
		}
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		time.Sleep(retry + 2*time.Second)
		r.want(map[string]string{guard.Name: "2", forward: "1"})
		if s := r.status(); len(s.FailClosed) > 0 || s.Error != "" {
			t.Errorf("shut: %v, %s", s.FailClosed, s.Error)
		}
	})
}

// Where nobody knows what is suppressed, an agent repairs what guards the host and
// nothing else, and takes nothing from the files, until somebody applies.
func TestADamagedHold(t *testing.T) {
	bubble(t, func(r *rig) {
		const filter = "chain:ip/filter/VPND-A"
		r.wish(map[string]string{"a": "1", "b": "1", filter: "1"})
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1", filter: "1"})
		r.reload()
		r.rollback()
		if err := os.WriteFile(r.StateDir+"/hold.json", []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.choose(func() { r.kickState() })
		r.touch("b", "9", "")
		r.touch(guard.Name, "9", "")
		r.rest()
		damaged := func() {
			t.Helper()
			r.want(map[string]string{"a": "1", "b": "9", guard.Name: "1"})
			s := r.status()
			if !strings.Contains(s.Error, "hold.json is damaged") || !strings.Contains(s.Error, "vpnd apply") || s.Suppressed == nil || !s.Suppressed.All {
				t.Errorf("status: %q, held: %+v", s.Error, s.Suppressed)
			}
		}
		damaged()
		r.reload()
		damaged()
		r.stop()
		r.start()
		damaged()
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
		if s := r.status(); s.Error != "" || s.Suppressed != nil {
			t.Errorf("status: %q, held: %+v", s.Error, s.Suppressed)
		}
		if aside, err := os.ReadFile(r.StateDir + "/hold.json.damaged"); string(aside) != "garbage" {
			t.Errorf("set aside: %q, %v", aside, err)
		}
	})
}
