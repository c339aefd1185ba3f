package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The log tells a file that was lost from one that never was, and the latest one
// from an older copy of it, also once it is written anew.
func TestLatestOfAFile(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	wish := func() error { _, err := open1(t, dir).Wish(); return err }
	hold := func() error {
		h, err := open1(t, dir).Suppression()
		return errors.Join(err, h.Damage())
	}
	well := func(when string) {
		t.Helper()
		if err := errors.Join(wish(), hold()); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
	}
	damaged := func(look func() error, what string) {
		t.Helper()
		var damage *DamageError
		if err := look(); !errors.As(err, &damage) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "vpnd apply") {
			t.Errorf("%v instead of: %s", err, what)
		}
	}
	well("nothing is in force")
	older := make(map[string][]byte)
	for _, name := range []string{wishFile, suppressionFile} {
		keep := func() error { return s.KeepWish(&Wish{Settings: []byte("{}")}) }
		look := wish
		if name == suppressionFile {
			keep, look = func() error { return s.KeepSuppression(&Suppression{Command: "rollback"}) }, hold
		}
		path := filepath.Join(dir, name)
		for range 2 {
			older[name], _ = os.ReadFile(path)
			if err := keep(); err != nil {
				t.Fatal(err)
			}
			well(name)
		}
		latest, err := os.ReadFile(path)
		if err := errors.Join(err, os.WriteFile(path, older[name], 0o600), s.rewrite(s.path("records.jsonl"))); err != nil {
			t.Fatal(err)
		}
		damaged(look, "an older copy of")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		damaged(look, "is missing")
		if err := os.WriteFile(path, latest, 0o600); err != nil {
			t.Fatal(err)
		}
		well(name + " is back")
		s = open1(t, dir)
	}
	if err := s.DropSuppression(); err != nil {
		t.Fatal(err)
	}
	well("nothing is suppressed")
	if err := s.KeepSuppression(&Suppression{Command: "rollback"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, suppressionFile), older[suppressionFile], 0o600); err != nil {
		t.Fatal(err)
	}
	damaged(hold, "an older copy of")
}

// What is suppressed is known by digests, so that with another key nobody knows it.
func TestAHoldOfAnotherKey(t *testing.T) {
	dir := t.TempDir()
	if err := open1(t, dir).KeepSuppression(&Suppression{Command: "destroy"}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	h, err := open1(t, dir).Suppression()
	if err != nil || !h.All || h.Damage() == nil || !strings.Contains(h.Damage().Error(), "another key") {
		t.Errorf("%+v, %v", h, err)
	}
}

// Where something is on record a configuration is in force, unless the log says
// that there is none. One without that word is an earlier vpnd's, and nobody knows.
func TestRecordsWithoutAConfiguration(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	put(t, s, "a")
	var damage *DamageError
	if _, err := s.Wish(); !errors.As(err, &damage) {
		t.Errorf("not told: %v", err)
	}
	if err := s.KeepNoWish(); err != nil {
		t.Fatal(err)
	}
	if w, err := open1(t, dir).Wish(); w != nil || err != nil {
		t.Errorf("%v, %v", w, err)
	}
}

// Records that are gone with what says how many there were are missed where
// something else is left of the state.
func TestRecordsThatAreMissed(t *testing.T) {
	for _, left := range []string{wishFile, suppressionFile, "priors/a", "snapshots/a"} {
		dir := t.TempDir()
		path := filepath.Join(dir, left)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("{}"), 0o600)); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(left, "/")
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "records.jsonl is damaged: it is missing, and "+name) {
			t.Errorf("%s: %v", left, err)
		}
	}
}

// Who reads without the lock while files come and go does not take what it sees
// for damaged.
func TestFilesThatComeAndGoAreNotDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	done := make(chan error)
	go func() {
		var err error
		for range 60 {
			err = errors.Join(err, s.KeepSuppression(&Suppression{Command: "rollback"}), s.KeepWish(&Wish{Settings: []byte("{}")}), s.DropSuppression())
		}
		done <- err
	}()
	for {
		r, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Wish()
		h, held := r.Suppression()
		if err := errors.Join(err, held, h.Damage()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
