package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// everything touches every file of the state, and returns what went wrong.
func everything(dir string) error {
	unlock, err := Lock(context.Background(), dir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	record := Record{ID: resource.ID{Kind: "thing", Name: "a"}, Prior: "a.json"}
	_, err1 := s.History()
	_, err2 := s.Wish()
	_, err3 := s.Suppression()
	_, err4 := s.Pending()
	_, err5 := s.ReadPrior("a.json")
	_, err6 := s.Snapshot("x")
	return errors.Join(err1, err2, err3, err4, err5, err6, s.Commit(Fact{Put: &record}), s.Note(Entry{}))
}

// whole makes a state directory with every file in it.
func whole(t *testing.T) (dir string, files []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.Note(Entry{}), s.KeepWish(&Wish{Settings: []byte("{}")}), s.KeepSuppression(&Suppression{}), s.SetPending(Pending{Snapshot: "x"}),
		s.SaveSnapshot(&Snapshot{Name: "x"}), s.RevivePrior("a.json", []byte("{}")), s.Close(), everything(dir))
	if err != nil {
		t.Fatal(err)
	}
	return dir, []string{"lock", "key", "records.jsonl", "history.jsonl", "wish.json", "hold.json", "pending.json", "snapshots/x.json", "priors/a.json"}
}

// No file of the state is opened that is another one's: what vpnd writes as
// root, and what it reads, are its own.
func TestNoFileOfTheStateIsSomebodyElses(t *testing.T) {
	for what, swap := range map[string]func(path, other string) error{
		"a symbolic link": func(path, other string) error { return errors.Join(os.Rename(path, other), os.Symlink(other, path)) },
		"names":           func(path, other string) error { return os.Link(path, other) },
		"no regular file": func(path, other string) error { return errors.Join(os.Rename(path, other), unix.Mkfifo(path, 0o600)) },
		"user 54321":      func(path, _ string) error { return os.Chown(path, 54321, 0) },
	} {
		dir, files := whole(t)
		for _, name := range files {
			path, other := filepath.Join(dir, name), filepath.Join(t.TempDir(), "shadow")
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := swap(path, other); err != nil {
				t.Fatal(err)
			}
			if err := everything(dir); err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if after, err := os.ReadFile(other); err == nil && string(after) != string(before) {
				t.Errorf("%s, %s: the other file was changed", name, what)
			}
			if err := errors.Join(os.Remove(path), os.WriteFile(path, before, 0o600)); err != nil {
				t.Fatal(err)
			}
			if err := everything(dir); err != nil {
				t.Errorf("%s: once it is put right: %v", name, err)
			}
		}
	}
}

// A state directory that others own or can write, or one below such, is no place
// for the state.
func TestStateDirectoryOfOthers(t *testing.T) {
	for name, spoil := range map[string]func(parent, dir string) error{
		"chown root":            func(_, dir string) error { return os.Chown(dir, 54321, 0) },
		"chmod g-w":             func(_, dir string) error { return os.Chmod(dir, 0o770) },
		"chmod go-w":            func(parent, _ string) error { return os.Chmod(parent, 0o777) },
		"or move what is below": func(parent, _ string) error { return os.Chown(parent, 54321, 0) },
	} {
		dir, _ := whole(t)
		if err := spoil(filepath.Dir(dir), dir); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir)
		for _, err := range []error{err, everything(dir)} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestOwns(t *testing.T) {
	for path, want := range map[string]bool{
		"/s": true, "/s/lock": true, "/s/reserve": true, "/s/wish.json": true, "/s/secrets/x": true, "/s/snapshots/x.json": true, "/s/.new": true,
		"/s/pki/office/ca.key": false, "/s/profiles/a.ovpn": false, "/s/keys/a": false, "/s/keys/a.json": false, "/": false, "/state/lock": false, "/etc/wish.json": false,
	} {
		if Owns("/s", path) != want {
			t.Errorf("%s: %t", path, !want)
		}
	}
}
