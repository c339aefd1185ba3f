package atomic

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

// tree makes a root with directories, and beside it what must not be reached.
func tree(t *testing.T) (root, outside string) {
	t.Helper()
	base := t.TempDir()
	root, outside = filepath.Join(base, "root"), filepath.Join(base, "outside")
	for _, dir := range []string{root + "/etc", root + "/run", root + outside, outside} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root, outside
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestLinksOnTheWayStayBelowTheRoot(t *testing.T) {
	root, outside := tree(t)
	for _, c := range []struct{ name, target, lands string }{
		{"absolute", "/run", "/run/absolute"},
		{"relative", "../run", "/run/relative"},
		{"climbing", "../../../../../../../run", "/run/climbing"},
		{"outside", outside, outside + "/outside"},
		{"chained", "relative/../etc", "/etc/chained"},
	} {
		link(t, c.target, filepath.Join(root, "etc", c.name))
		if err := Write(root, mine("/etc/"+c.name+"/"+c.name, c.name, 0o644)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		holds(t, filepath.Join(root, c.lands), c.name)
	}
	if got := entries(t, outside); got != "" {
		t.Errorf("reached %s outside of the root", got)
	}
}

func TestLinkOfAStrangerIsNotFollowed(t *testing.T) {
	nettest.Root(t, "to give a link away")
	root, _ := tree(t)
	name := filepath.Join(root, "etc/ssh")
	link(t, "../run", name)
	if err := os.Lchown(name, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	want := "/etc/ssh is a symbolic link made by user 1234, which is not followed; name the directory where it leads, or let root make the link"
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
	refused(Write(root, mine("/etc/ssh/key", "", 0o600)))
	refused(Remove(root, "/etc/ssh/key"))
	refused(Mkdir(root, "/etc/ssh/dir", 0o755, -1, -1))
	_, err := ReadFile(root, "/etc/ssh/key", 1)
	refused(err)
	if got := entries(t, filepath.Join(root, "run")); got != "" {
		t.Errorf("made %s", got)
	}
}

// A directory that is opened in one call is the one that a walk finds, and where a
// link is on the way there is no such call.
func TestOneCallLeadsWhereTheWalkDoes(t *testing.T) {
	root, _ := tree(t)
	link(t, "etc", filepath.Join(root, "link"))
	for name, one := range map[string]bool{
		"/": true, "/etc": true, "/etc/": true, "etc": true, "/etc/../run/.": true, "/../../etc": true, "//run": true,
		"/link": false, "/link/": false, "/link/../etc": false, "/etc/gone": false,
	} {
		straight := straight(root, name)
		if (straight != nil) != one {
			t.Errorf("%s: in one call %v", name, straight != nil)
		}
		walked, err := walkTo(root, name)
		if straight == nil {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, _ := straight.lstat(".")
		b, _ := walked.lstat(".")
		if a == nil || b == nil || a.Ino != b.Ino || a.Dev != b.Dev || straight.path != walked.path {
			t.Errorf("%s: %s in one call, %s walked", name, straight.path, walked.path)
		}
		straight.close()
		walked.close()
	}
}

func TestEndlessLinksEnd(t *testing.T) {
	root, _ := tree(t)
	link(t, "loop", filepath.Join(root, "etc/loop"))
	if err := Write(root, mine("/etc/loop/x", "", 0o600)); !errors.Is(err, unix.ELOOP) {
		t.Errorf("%v", err)
	}
}

func TestLinkAtTheEndIsReplacedAndNeverRead(t *testing.T) {
	root, outside := tree(t)
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "etc/x")
	link(t, victim, name)
	if _, err := ReadFile(root, "/etc/x", 100); !errors.Is(err, unix.ELOOP) {
		t.Errorf("read through a link: %v", err)
	}
	if err := Own(root, "/etc/x", 0o666, -1, -1); !errors.Is(err, unix.ELOOP) {
		t.Errorf("changed through a link: %v", err)
	}
	info, data, err := Look(root, "/etc/x", 100)
	if err != nil || info.Links != victim || data != nil || info.Mode&fs.ModeSymlink == 0 {
		t.Errorf("%+v %q %v", info, data, err)
	}
	if err := Write(root, mine("/etc/x", "ours", 0o600)); err != nil {
		t.Fatal(err)
	}
	holds(t, name, "ours")
	holds(t, victim, "precious")
	if info, err := os.Lstat(victim); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v %v", info, err)
	}
}

func TestWhatIsNoFileStays(t *testing.T) {
	root, _ := tree(t)
	if err := unix.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/etc":  "writing /etc: a directory stands there; move it away or choose another path",
		"/pipe": "writing /pipe: a device, socket or pipe stands there; remove it or choose another path",
	} {
		if err := Write(root, mine(name, "", 0o600)); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
		if err := Symlink(root, name, "x", -1, -1); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
	if _, err := ReadFile(root, "/pipe", 1); err == nil || err.Error() != "/pipe is no regular file" {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "x", "/", "/etc/", "/etc/..", "/etc/.", "/a\x00b"} {
		if err := Write(root, mine(bad, "", 0o600)); err == nil || !strings.Contains(err.Error(), "is no absolute path of a file") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
