package atomic

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
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

// entries lists a directory, so that a temporary left behind shows.
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
	for _, f := range []File{mine("/a", "long content", 0o640), mine("/a", "short", 0o604), mine("/a", "", 0o755|fs.ModeSetuid)} {
		if err := Write(root, f); err != nil {
			t.Fatal(err)
		}
		holds(t, filepath.Join(root, "a"), string(f.Data))
	}
	info, err := Stat(root, "/a")
	if err != nil || info.Mode != 0o755|fs.ModeSetuid {
		t.Errorf("%v %v", info, err)
	}
	if got := entries(t, root); got != "a" {
		t.Errorf("the directory holds %s", got)
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
		t.Errorf("the directory holds %s", got)
	}
}

func TestWriteGivesOwnerAndMode(t *testing.T) {
	nettest.Root(t, "to give files away")
	root := t.TempDir()
	f := File{Path: "/x", Mode: 0o640 | fs.ModeSetgid, UID: 1234, GID: 5678}
	if err := Write(root, f); err != nil {
		t.Fatal(err)
	}
	if info, err := Stat(root, "/x"); err != nil || info.Mode != f.Mode || info.UID != f.UID || info.GID != f.GID {
		t.Errorf("%+v %v", info, err)
	}
	if err := Mkdir(root, "/dir", 0o750|fs.ModeSetgid, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	if err := Own(root, "/dir", 0o777|fs.ModeSticky, 0, -1); err != nil {
		t.Fatal(err)
	}
	if info, err := Stat(root, "/dir"); err != nil || info.Mode != 0o777|fs.ModeSticky|fs.ModeDir || info.UID != 0 || info.GID != 5678 {
		t.Errorf("%+v %v", info, err)
	}
	if err := Mkdir(root, "/dir", 0o750, 0, 0); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
}

func TestWriteManyInManyDirectories(t *testing.T) {
	root := t.TempDir()
	var files []File
	for _, dir := range []string{"/a", "/b", "/c"} {
		if err := Mkdir(root, dir, 0o755, -1, -1); err != nil {
			t.Fatal(err)
		}
		for i := range 2 * manyFiles {
			name := fmt.Sprintf("%s/%d", dir, i)
			files = append(files, mine(name, name, 0o600))
		}
	}
	for range 2 {
		if err := WriteAll(root, files); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			holds(t, filepath.Join(root, f.Path), f.Path)
		}
	}
	if got := len(strings.Fields(entries(t, filepath.Join(root, "a")))); got != 2*manyFiles {
		t.Errorf("%d names for %d files", got, 2*manyFiles)
	}
}

func TestRemove(t *testing.T) {
	root := t.TempDir()
	if err := Write(root, mine("/x", "", 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/x", "/x", "/missing/x"} {
		if err := Remove(root, name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"/dir", "/dir/sub"} {
		if err := Mkdir(root, name, 0o700, -1, -1); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveDirectory(root, "/dir"); !errors.Is(err, unix.ENOTEMPTY) {
		t.Errorf("%v", err)
	}
	if err := Remove(root, "/dir"); err == nil {
		t.Error("a directory was removed as a file")
	}
	if err := errors.Join(RemoveDirectory(root, "/dir/sub"), RemoveDirectory(root, "/dir"), RemoveDirectory(root, "/dir")); err != nil {
		t.Error(err)
	}
	if got := entries(t, root); got != "" {
		t.Errorf("left %s", got)
	}
}

// Whatever a process takes away from the mode of the files that it makes, a file has the
// one that was asked for.
func TestTheUmaskTakesNothingAway(t *testing.T) {
	root := t.TempDir()
	defer unix.Umask(unix.Umask(0o777))
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o400, 0} {
		if err := Write(root, File{Path: "/x", Data: []byte("x"), Mode: mode, UID: -1, GID: -1}); err != nil {
			t.Fatal(err)
		}
		if info, err := Stat(root, "/x"); err != nil || info.Mode != mode || info.UID != os.Geteuid() {
			t.Errorf("%v, %v instead of %v", err, info.Mode, mode)
		}
	}
}

// No file of a lot takes its place before all of the lot before it have, and where one
// can't be made, none has.
func TestALotComesAfterTheOneBefore(t *testing.T) {
	for _, many := range []int{1, manyFiles} {
		for _, tt := range []struct {
			what, want string
			spoil      func(root string) func(string) error // asked of each file of the first lot before any takes its place
		}{
			{"all", "first then", func(string) func(string) error { return nil }},
			{"none is accepted", "", func(string) func(string) error { return func(string) error { return errors.New("no") } }},
			{"one can't take its place", "first", func(root string) func(string) error {
				return func(string) error { return os.MkdirAll(filepath.Join(root, "first-0"), 0o700) }
			}},
		} {
			root := t.TempDir()
			var first, then []File
			for i := range many {
				f := mine(fmt.Sprintf("/first-%d", i), "x", 0o600)
				f.Accept = tt.spoil(root)
				first, then = append(first, f), append(then, mine(fmt.Sprintf("/then-%d", i), "x", 0o600))
			}
			err := WriteInTurn(root, first, then)
			if (err == nil) != (tt.what == "all") {
				t.Errorf("%s: %v", tt.what, err)
			}
			left := entries(t, root)
			for _, lot := range []string{"first", "then"} {
				if is := strings.Contains(left, lot); is != strings.Contains(tt.want, lot) {
					t.Errorf("%s, %d files a lot: %q is left", tt.what, many, left)
				}
			}
			if strings.Contains(left, mark) {
				t.Errorf("%s: temporaries are left: %s", tt.what, left)
			}
		}
	}
}
