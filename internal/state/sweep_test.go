package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A vpnd that was killed while it wrote leaves no secret behind for longer than
// until the next one opens the state for changing.
func TestOpenSweepsWhatAKilledOneLeft(t *testing.T) {
	dir := t.TempDir()
	open1(t, dir).Close()
	for _, name := range []string{"snapshots", "priors", "profiles"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	left := map[string]bool{ // whether it stays
		".wish.json.vpnd-SRGW5PLN":                false,
		"snapshots/.2026.json.vpnd-SRGW5PLN":      false,
		"priors/.0123.vpnd-SRGW5PLN":              false,
		"priors/0123":                             true,
		".seen.json.vpnd-SRGW5PLN":                true, // an agent may be at it, without the lock
		".theirs":                                 true,
		"profiles/.alice.ovpn.vpnd-SRGW5PLN":      true, // its kind's, which knows its target
		"snapshots/.vpnd-SRGW5PLN":                true, // of nothing
		"snapshots/2026-11-22T03:00:00Z.000.json": true,
	}
	for name := range left {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	directory := filepath.Join(dir, ".directory.vpnd-SRGW5PLN", "theirs") // vpnd makes none here
	room := filepath.Join(t.TempDir(), "vpnd-room-check-1")
	t.Setenv("TMPDIR", filepath.Dir(room))
	if err := errors.Join(os.MkdirAll(directory, 0o700), os.Mkdir(room, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".wish.json.vpnd-SRGW5PLN")); err != nil {
		t.Errorf("who only reads changed something: %v", err)
	}
	open1(t, dir)
	if _, err := os.Stat(directory); err != nil {
		t.Errorf("a directory: %v", err)
	}
	if _, err := os.Stat(room); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where something was tried: %v", err)
	}
	for name, stays := range left {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) == stays {
			t.Errorf("%s: %v, wanted to stay: %t", name, err, stays)
		}
	}
}
