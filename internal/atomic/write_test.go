package atomic

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mine(path, data string, mode fs.FileMode) File {
	return File{Path: path, Data: []byte(data), Mode: mode, UID: os.Getuid(), GID: os.Getgid()}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, want)
	}
}

// entries lists a folder, so that a temporary left behind shows.
func entries(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestWriteReplacesWhole(t *testing.T) {
	root := t.TempDir()
	for _, f := range []File{mine("/a", "long content", 0o640), mine("/a", "short", 0o604), mine("/a", "", 0o4755)} {
		if err := Write(root, f); err != nil {
			t.Fatal(err)
		}
		holds(t, filepath.Join(root, "a"), string(f.Data))
	}
	info, err := Stat(root, "/a")
	if err != nil || info.Mode != 0o755 && info.Mode != 0o755|fs.ModeSetuid {
		t.Errorf("%v %v", info, err)
	}
	if got := entries(t, root); got != "a" {
		t.Errorf("the folder holds %s", got)
	}
}

func TestWriteMovesTheTime(t *testing.T) {
	root := t.TempDir()
	var last int64
	for range 3 {
		if err := Write(root, mine("/crl", "same", 0o644)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, "crl"))
		if err != nil {
			t.Fatal(err)
		}
		if now := info.ModTime().Unix(); now <= last {
			t.Errorf("written at %d and then at %d", last, now)
		} else {
			last = now
		}
	}
}

func TestRefusedFileLeavesAll(t *testing.T) {
	root := t.TempDir()
	if err := Write(root, mine("/a", "old", 0o600)); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("line 1: no")
	var seen string
	bad := mine("/b", "new", 0o600)
	bad.Accept = func(p string) error {
		data, err := os.ReadFile(p)
		seen = string(data)
		return errors.Join(refusal, err)
	}
	err := WriteAll(root, []File{mine("/a", "new", 0o600), bad, mine("/missing/c", "", 0o600)})
	var one *Error
	if !errors.As(err, &one) || one.Path != "/missing/c" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	err = WriteAll(root, []File{mine("/a", "new", 0o600), bad})
	if !errors.As(err, &one) || one.Path != "/b" || !errors.Is(err, refusal) || err.Error() != "writing /b: line 1: no" {
		t.Errorf("%v", err)
	}
	if seen != "new" {
		t.Errorf("was asked about %q", seen)
	}
	holds(t, filepath.Join(root, "a"), "old")
	if got := entries(t, root); got != "a" {
		t.Errorf("the folder holds %s", got)
	}
}
