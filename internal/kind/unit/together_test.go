package unit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
)

// slow is a systemd whose services take two seconds to end, each by itself.
type slow struct {
	Manager
	stopped *atomic.Int32
	last    string
}

func (s *slow) Run(_ context.Context, _ Job, unit string) (string, error) {
	time.Sleep(2 * time.Second)
	if unit == "5.service" {
		return "timeout", nil
	}
	s.last = unit
	s.stopped.Add(1)
	return "done", nil
}

func (s *slow) Properties(_ context.Context, unit string) (map[string]any, error) {
	now := "active"
	if s.last == unit {
		now = "inactive"
	}
	return map[string]any{"Id": unit, "LoadState": "loaded", "ActiveState": now, "SubState": "running"}, nil
}

func (s *slow) Close() {}

// Ten servers end in the time of one, and one that does not is told by its name.
func TestUnitsEndSideBySide(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var stopped atomic.Int32
		v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) { return &slow{stopped: &stopped}, nil }}
		var items []resource.Item[Unit]
		for i := range 10 {
			items = append(items, resource.Item[Unit]{Name: fmt.Sprintf("%d.service", i), Want: Unit{Active: resource.Ptr(false)}})
		}
		began := time.Now()
		err := v.Apply(t.Context(), items)
		if took := time.Since(began); took > 3*time.Second || stopped.Load() != 9 {
			t.Errorf("%d units ended within %s", stopped.Load(), took)
		}
		var named *resource.NameError
		if !errors.As(err, &named) || named.Name != "5.service" {
			t.Errorf("%v", err)
		}
	})
}

// rereads is a systemd that takes five seconds to read its unit files, one reading at
// a time, and knows which of them it has not read since they were changed.
type rereads struct {
	Manager
	reading  chan struct{}
	readings *atomic.Int32
	changed  *sync.Map // by unit, how many readings had begun then
	disabled bool
}

func (r *rereads) Properties(_ context.Context, unit string) (map[string]any, error) {
	now := "enabled"
	if r.disabled {
		now = "disabled"
	}
	return map[string]any{"Id": unit, "LoadState": "loaded", "UnitFileState": now, "ActiveState": "inactive"}, nil
}

func (r *rereads) Enable(_ context.Context, unit string, on bool) (bool, error) {
	r.disabled = !on
	r.changed.Store(unit, r.readings.Load())
	return true, nil
}

func (r *rereads) Reload(context.Context) error {
	r.reading <- struct{}{}
	defer func() { <-r.reading }()
	r.readings.Add(1)
	time.Sleep(5 * time.Second)
	return nil
}

func (r *rereads) Close() {}

// Of units that change side by side each is read after its change, and all of them
// with two readings: one may have begun before the last of them had changed.
func TestUnitsShareAReading(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, etc), 0o755); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		reading := make(chan struct{}, 1)
		var readings atomic.Int32
		var changed sync.Map
		v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) {
			return &rereads{reading: reading, readings: &readings, changed: &changed}, nil
		}}
		var items []resource.Item[Unit]
		for i := range 10 {
			items = append(items, resource.Item[Unit]{Name: fmt.Sprintf("%d.service", i), Want: Unit{Enabled: resource.Ptr(false), Dropins: []Dropin{{Name: "x", Content: resource.Ptr("[Unit]")}}}})
		}
		if err := v.Apply(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		if n := readings.Load(); n > 2 {
			t.Errorf("systemd read its files %d times", n)
		}
		for _, it := range items {
			if at, found := changed.Load(it.Name); !found || at.(int32) >= readings.Load() {
				t.Errorf("%s: changed after %v of %d readings", it.Name, at, readings.Load())
			}
		}
	})
}
