package unit

import (
	"context"
	"errors"
	"fmt"
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
