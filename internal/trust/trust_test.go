package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// a user that is neither root nor who runs the tests.
const mallory = 54321

// home makes a directory with a file in it, below the sticky one of the system.
func home(t *testing.T) (dir, file string) {
	t.Helper()
	nettest.Root(t, "to give files away")
	dir = t.TempDir()
	file = filepath.Join(dir, "a.hcl")
	do(t, os.WriteFile(file, nil, 0o600))
	return dir, file
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTrustsWhatIsRoots(t *testing.T) {
	dir, file := home(t)
	do(t, os.Symlink(file, filepath.Join(dir, "link")))
	do(t, os.Symlink("../"+filepath.Base(dir), filepath.Join(dir, "around")))
	for _, path := range []string{file, dir, "/", "/etc/passwd", "/dev/zero", dir + "/link", dir + "/around/link", dir + "/none", dir + "/none/below"} {
		if err := Path(path); err != nil {
			t.Error(err)
		}
	}
}

func TestDistrusts(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir, file string) error
		words []string // with DIR and FILE for the paths
	}{
		"a file of somebody else": {
			func(_, file string) error { return os.Chown(file, mallory, 0) }, []string{"FILE can be changed by the user 54321", "chown root FILE"},
		},
		"a file for everybody": {
			func(_, file string) error { return os.Chmod(file, 0o666) }, []string{"FILE can be changed by everybody", "chmod go-w FILE"},
		},
		"a file for a group": {
			func(_, file string) error { return errors.Join(os.Chown(file, 0, mallory), os.Chmod(file, 0o660)) },
			[]string{"FILE can be changed by the group 54321", "chmod g-w FILE"},
		},
		"a directory of somebody else": {
			func(dir, _ string) error { return os.Chown(dir, mallory, 0) },
			[]string{"DIR, on the way to FILE, can be changed by the user 54321", "chown root DIR # or move"},
		},
		"a directory for a group": {
			func(dir, _ string) error { return os.Chmod(dir, 0o775) }, []string{"DIR, on the way to FILE, can be changed by the group root", "chmod g-w DIR"},
		},
		"a link of somebody else": {
			func(dir, file string) error {
				return errors.Join(os.Rename(file, dir+"/b"), os.Symlink("b", file), os.Lchown(file, mallory, 0))
			},
			[]string{"FILE can be changed by the user 54321", "chown -h root FILE"},
		},
		"what a link of root's leads to": {
			func(dir, file string) error {
				return errors.Join(os.Rename(file, dir+"/b"), os.Symlink("b", file), os.Chmod(dir+"/b", 0o622))
			},
			[]string{"DIR/b, on the way to FILE, can be changed by everybody"},
		},
		"what a .. behind a link leads to": {
			func(dir, file string) error {
				return errors.Join(os.MkdirAll(dir+"/x/y", 0o700), os.WriteFile(dir+"/x/b", nil, 0o600), os.Chmod(dir+"/x/b", 0o606),
					os.Symlink("x/y", dir+"/l"), os.Remove(file), os.WriteFile(dir+"/b", nil, 0o600), os.Symlink("l/../b", file))
			},
			[]string{"DIR/x/b, on the way to FILE, can be changed by everybody"},
		},
		"a link that leads to itself": {
			func(_, file string) error { return errors.Join(os.Remove(file), os.Symlink(file, file)) }, []string{"too many levels"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := home(t)
			do(t, c.spoil(dir, file))
			err := Path(file)
			for _, want := range c.words {
				want = strings.NewReplacer("FILE", file, "DIR", dir).Replace(want)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
		})
	}
}

// In a sticky directory others can't exchange what is root's, but they can add
// to it.
func TestSticky(t *testing.T) {
	dir, file := home(t)
	do(t, os.Chmod(dir, 0o777|os.ModeSticky))
	if err := Path(file); err != nil {
		t.Error(err)
	}
	if err := Path(dir); err == nil {
		t.Error("whoever likes could add a file to it")
	}
}

func TestRemedyIsOneWord(t *testing.T) {
	if got := quoted("/a b'c"); got != `'/a b'\''c'` {
		t.Error(got)
	}
}

// What a program opens by its name, as root, others may not lead elsewhere.
func TestPlace(t *testing.T) {
	dir, file := home(t)
	good := func(path string) {
		t.Helper()
		if err := Place(path); err != nil {
			t.Error(err)
		}
	}
	bad := func(path, want string) {
		t.Helper()
		if err := Place(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	good(dir + "/new.log")
	good(dir + "/none/new.log")
	good("/var/log/openvpn.log")
	do(t, os.Chown(file, mallory, 0))
	good(file) // they may write to it, and nowhere else
	bad("/tmp/new.log", "/tmp, on the way to /tmp/new.log, can be changed by everybody")
	do(t, os.Chmod(dir, 0o1777|os.ModeSticky))
	bad(file, "chmod go-w "+dir)
	do(t, os.Chmod(dir, 0o775))
	do(t, os.Chown(dir, 0, 104))
	good(file)
	do(t, os.Chown(dir, 0, mallory))
	bad(file, "the group 54321")
	do(t, os.Chmod(dir, 0o755))
	do(t, os.Symlink("/etc/shadow", dir+"/link"))
	good(dir + "/link")
	do(t, os.Lchown(dir+"/link", mallory, 0))
	bad(dir+"/link", "the user 54321")
	do(t, os.Symlink("/tmp/x", dir+"/tmp"))
	bad(dir+"/tmp", "/tmp, on the way to")
}
