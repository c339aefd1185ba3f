package unit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
)

// slow is a systemd whose services take two seconds to end, each by itself.
type slow struct {
	Manager
	stopped sync.Map // units
}

func (s *slow) Run(_ context.Context, _ Job, unit string) (string, error) {
	time.Sleep(2 * time.Second)
	if unit == "5.service" {
		return "timeout", nil
	}
	s.stopped.Store(unit, true)
	return "done", nil
}

func (s *slow) Properties(_ context.Context, unit string) (map[string]any, error) {
	now := "active"
	if _, stopped := s.stopped.Load(unit); stopped {
		now = "inactive"
	}
	return map[string]any{"Id": unit, "LoadState": "loaded", "ActiveState": now, "SubState": "running"}, nil
}

func (s *slow) Close() {}

// Ten servers end in the time of one, and one that does not is told by its name.
func TestUnitsEndSideBySide(t *testing.T) {
	root := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var systemd slow
		v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) { return &systemd, nil }}
		var items []resource.Item[Unit]
		for i := range 10 {
			items = append(items, resource.Item[Unit]{Name: fmt.Sprintf("%d.service", i), Want: Unit{Active: resource.Ptr(false)}})
		}
		began := time.Now()
		err := v.Apply(t.Context(), items)
		stopped := 0
		systemd.stopped.Range(func(any, any) bool { stopped++; return true })
		if took := time.Since(began); took > 3*time.Second || stopped != 9 {
			t.Errorf("%d units ended within %s", stopped, took)
		}
		var named *resource.NameError
		if !errors.As(err, &named) || named.Name != "5.service" {
			t.Errorf("%v", err)
		}
	})
}

// reader is a systemd that counts how often it reads its unit files.
type reader struct {
	Manager
	readings int
	enabled  map[string]bool
	changed  map[string]int // how many readings there had been when a unit was
	started  map[string]int
	running  sync.Mutex // for jobs, which come side by side
}

func (r *reader) Properties(_ context.Context, unit string) (map[string]any, error) {
	r.running.Lock()
	defer r.running.Unlock()
	file, active := "disabled", "inactive"
	if r.enabled[unit] {
		file = "enabled"
	}
	if r.started[unit] > 0 {
		active = "active"
	}
	return map[string]any{"Id": unit, "LoadState": "loaded", "UnitFileState": file, "ActiveState": active}, nil
}

func (r *reader) Enable(_ context.Context, unit string, on bool) (bool, error) {
	if unit == "5.service" {
		return false, errors.New("it is stubborn")
	}
	r.enabled[unit], r.changed[unit] = on, r.readings
	return true, nil
}

func (r *reader) Run(_ context.Context, _ Job, unit string) (string, error) {
	r.running.Lock()
	defer r.running.Unlock()
	r.started[unit] = r.readings
	return "done", nil
}

func (r *reader) Reload(context.Context) error {
	r.readings++
	return nil
}

func (*reader) Close() {}

// Systemd reads once what changed of ten units, before any of them starts; one that
// can't be enabled keeps no other from it.
func TestUnitsAreReadOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, etc), 0o755); err != nil {
		t.Fatal(err)
	}
	systemd := reader{enabled: make(map[string]bool), changed: make(map[string]int), started: make(map[string]int)}
	v := Verbs{Root: root, Connect: func(context.Context) (Manager, error) { return &systemd, nil }}
	yes := resource.Ptr(true)
	var items []resource.Item[Unit]
	for i := range 10 {
		items = append(items, resource.Item[Unit]{Name: fmt.Sprintf("%d.service", i), Want: Unit{Enabled: yes, Active: yes, Dropins: []Dropin{{Name: "x", Content: resource.Ptr("[Unit]")}}}})
	}
	named, err := resource.Split(v.Apply(t.Context(), items))
	if err != nil || len(named) != 1 || named["5.service"] == nil {
		t.Errorf("%v, %v", named, err)
	}
	if systemd.readings != 1 || len(systemd.started) != 9 {
		t.Errorf("%d readings and %d units that started", systemd.readings, len(systemd.started))
	}
	for unit, at := range systemd.started {
		if at <= systemd.changed[unit] {
			t.Errorf("%s started before systemd had read what changed of it", unit)
		}
	}
}

// unread is a systemd that has not read that a unit was masked, or is gone.
type unread struct {
	Manager
	masked, gone, stale bool
	calls               []string
}

func (u *unread) Properties(_ context.Context, unit string) (map[string]any, error) {
	load, file := "loaded", "enabled"
	switch {
	case u.masked:
		file = "masked"
	case u.gone && !u.stale:
		load, file = "not-found", ""
	}
	return map[string]any{"Id": unit, "LoadState": load, "UnitFileState": file, "ActiveState": "inactive", "NeedDaemonReload": u.stale}, nil
}

func (u *unread) Unmask(context.Context, string, bool) error {
	u.calls, u.masked = append(u.calls, "unmask"), false
	return nil
}

func (u *unread) Enable(context.Context, string, bool) (bool, error) {
	u.calls = append(u.calls, "enable")
	return false, errors.New("that unit file does not exist")
}

func (u *unread) Reload(context.Context) error {
	u.calls, u.stale = append(u.calls, "reload"), false
	return nil
}

func (*unread) Close() {}

// What systemd has not read yet is heeded all the same: a mask is lifted, and of a unit
// that is gone nothing is asked.
func TestUnreadUnits(t *testing.T) {
	for name, c := range map[string]struct {
		now   unread
		want  Unit
		calls string
	}{
		"masked": {unread{masked: true}, Unit{Enabled: resource.Ptr(true)}, "[unmask unmask reload]"},
		"gone":   {unread{gone: true, stale: true}, Unit{Enabled: resource.Ptr(false)}, "[reload]"},
	} {
		v := Verbs{Root: t.TempDir(), Connect: func(context.Context) (Manager, error) { return &c.now, nil }}
		err := v.Apply(t.Context(), []resource.Item[Unit]{{Name: "x.service", Want: c.want}})
		if calls := fmt.Sprint(c.now.calls); err != nil || calls != c.calls {
			t.Errorf("%s: %s, %v", name, calls, err)
		}
	}
}
