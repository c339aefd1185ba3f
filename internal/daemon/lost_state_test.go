package daemon

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Whatever a disk, a restored copy or a careless hand does to a single file of the
// state: an agent that starts then keeps the host as it was. No edit goes live,
// nothing that was undone or destroyed comes back, and where the agent knows no
// more what is in force, it says so with the way out. An apply leads out.
func TestNoLossInTheStateIsAWord(t *testing.T) {
	for story, tell := range map[string]struct {
		before func(r *rig) // up to the older copies
		then   func(r *rig)
		stays  map[string]string // whatever is lost
	}{
		"edited": {
			func(r *rig) { r.start() },
			func(r *rig) {
				r.wish(map[string]string{"a": "1", "b": "2"})
				r.reload()
				r.stop()
				r.wish(map[string]string{"a": "1", "b": "3", "c": "1"})
			},
			map[string]string{"a": "1", "b": "2", "c": ""},
		},
		"undone": {
			func(r *rig) { r.start() },
			func(r *rig) {
				r.wish(map[string]string{"a": "2", "b": "1"})
				r.reload()
				r.rollback()
				r.stop()
			},
			map[string]string{"a": "1", "b": "1"},
		},
		"destroyed": {
			func(r *rig) { r.start() },
			func(r *rig) { r.destroyed(); r.stop() },
			map[string]string{"a": "theirs", "b": ""},
		},
		"undone at once": {
			func(r *rig) { r.applied(nil) },
			func(r *rig) { r.rollback() },
			map[string]string{"a": "theirs", "b": ""},
		},
	} {
		for _, name := range []string{"wish.json", "hold.json", "records.jsonl", "records.sum.json", "key", "history.jsonl", "secrets", "snapshots", "priors", "lock"} {
			for harm, do := range map[string]func(t *testing.T, path, older string) (done bool){
				"missing":     func(t *testing.T, path, _ string) bool { return os.RemoveAll(path) == nil },
				"emptied":     func(t *testing.T, path, _ string) bool { return cut(t, path, 0) },
				"torn":        func(t *testing.T, path, _ string) bool { return cut(t, path, 2) },
				"older again": back,
			} {
				t.Run(story+", "+name+" "+harm, func(t *testing.T) {
					t.Parallel()
					older := t.TempDir()
					bubble(t, func(r *rig) {
						r.alter(func() { r.things["a"] = "theirs" })
						tell.before(r)
						copyTree(t, r.StateDir, older)
						tell.then(r)
						stays := tell.stays
						r.want(stays)
						path := filepath.Join(r.StateDir, name)
						if _, err := os.Lstat(path); err != nil || !do(t, path, filepath.Join(older, name)) {
							return
						}
						r.start()
						r.want(stays)
						s := r.status()
						told := s.Error != ""
						if told != tells(story, name, harm) || told && (!strings.Contains(s.Error, path) || !strings.Contains(s.Error, "vpnd apply") && name != "key") {
							t.Errorf("the agent says: %q", s.Error)
						}
						if name == "key" && told {
							return // the way out is to remove it
						}
						r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
						time.Sleep(retry + 2*time.Second)
						for _, one := range r.cfg.Desired.Present {
							r.want(map[string]string{one.ID.Name: *one.Want.(*thing).Text})
						}
						if s := r.status(); s.Error != "" {
							t.Errorf("after an apply: %q", s.Error)
						}
					})
				})
			}
		}
	}
}

// applied does what vpnd apply does, with targets perhaps.
func (r *rig) applied(took map[resource.ID]bool) {
	r.Helper()
	r.as(func(e *engine.Engine) error {
		next, err := active.Next(e.Store, r.cfg, took)
		if err != nil {
			return err
		}
		e.Next, e.Armed = next, func(string) error { return active.Activate(e.Store, next, time.Now()) }
		part := resource.Desired{Present: r.cfg.Desired.Present}
		if took != nil {
			part.Present = slices.DeleteFunc(slices.Clone(part.Present), func(one resource.Resource) bool { return !took[one.ID] })
		}
		p, err := e.Plan(r.Context(), part)
		if err != nil {
			return err
		}
		return e.Apply(r.Context(), p).Failed()
	})
}

// Where all that tells what is in force was lost at once, an edit does not go live
// either.
func TestNoLossOfRecordsAndConfigurationIsAWord(t *testing.T) {
	for harm, lose := range map[string]func(path string) error{
		"missing": os.Remove,
		"emptied": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		for _, too := range []string{"", "records.sum.json"} {
			t.Run("records and configuration "+harm+" "+too, func(t *testing.T) {
				bubble(t, func(r *rig) {
					r.applied(nil)
					r.wish(map[string]string{"a": "1", "b": "2"})
					for _, name := range []string{"wish.json", "records.jsonl", too} {
						if err := lose(filepath.Join(r.StateDir, name)); name != "" && err != nil {
							t.Fatal(err)
						}
					}
					for range 2 {
						r.start()
						r.want(map[string]string{"a": "1", "b": "1"})
						if s := r.status(); !strings.Contains(s.Error, "wish.json is damaged") || !strings.Contains(s.Error, "vpnd apply") {
							t.Errorf("the agent says: %q", s.Error)
						}
						if text := r.status().Summary(); strings.Contains(text, "invalid") {
							t.Errorf("the files are right, and it says: %s", text)
						}
						r.stop()
					}
				})
			})
		}
	}
}

// Parts of a configuration that were applied before an agent ever ran are no loss:
// its very first start takes the files, as those of a new host.
func TestPartsThatWereAppliedBeforeTheFirstStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.applied(map[resource.ID]bool{{Kind: "thing", Name: "a"}: true})
		r.want(map[string]string{"a": "1", "b": ""})
		r.start()
		r.want(map[string]string{"a": "1", "b": "1"})
		if s := r.status(); s.Error != "" {
			t.Error(s.Error)
		}
	})
}

// A state of which nothing is left is that of a new host.
func TestAStateThatIsGone(t *testing.T) {
	bubble(t, func(r *rig) {
		r.applied(nil)
		if err := os.RemoveAll(r.StateDir); err != nil {
			t.Fatal(err)
		}
		r.wish(map[string]string{"a": "1", "b": "2"})
		r.start()
		r.want(map[string]string{"a": "1", "b": "2"})
	})
}

// Who only observes a new host keeps a history and nothing else, which is no damage.
func TestAnObserverLeavesNoDamage(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, observe)
		for range 2 {
			r.alter(func() { r.hidden = map[string]string{"a": "it hides"} })
			r.start()
			r.alter(func() { r.hidden = nil })
			r.touch("a", "2", "sed (process 1)")
			r.rest()
			if s := r.status(); s.Error != "" {
				t.Error(s.Error)
			}
			r.stop()
		}
		if _, err := os.Stat(r.StateDir + "/history.jsonl"); err != nil {
			t.Error(err)
		}
		r.applied(nil)
		r.want(map[string]string{"a": "1"})
	})
}

// tells says whether an agent that starts has lost something that it can't do
// without. Records it mends, since it knows what is in force.
func tells(story, name, harm string) bool {
	switch name {
	case "wish.json", "secrets":
		return true
	case "hold.json":
		return true
	case "key":
		return harm == "emptied" || harm == "torn" || story != "edited"
	}
	return false
}

func cut(t *testing.T, path string, part int) bool {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return false // a directory
	}
	if part > 0 {
		part = len(data) / part
	}
	if part == len(data) {
		return false
	}
	return os.WriteFile(path, data[:part], 0o600) == nil
}

// back puts an older copy in its place.
func back(t *testing.T, path, older string) bool {
	t.Helper()
	data, err := os.ReadFile(older)
	now, _ := os.ReadFile(path)
	return err == nil && !slices.Equal(data, now) && os.WriteFile(path, data, 0o600) == nil
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
