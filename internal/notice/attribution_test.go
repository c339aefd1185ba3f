package notice_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/notice"
	"vpnd/internal/notice/noticetest"
)

// told waits for a hint at the path that names a program, and returns what it
// is called.
func (p place) told(path string) string {
	p.t.Helper()
	self, err := os.Executable()
	p.do(err)
	for {
		if h := p.Hear(path); h.By != "" {
			if !strings.HasPrefix(h.By, fmt.Sprintf("%.15s (process ", filepath.Base(self))) {
				p.t.Errorf("%s is taken for %q", self, h.By)
			}
			return h.By
		}
	}
}

func TestWhoChangesAFileIsNamed(t *testing.T) {
	nettest.Need(t)
	p := at(t, []string{"/etc/app"}, "/etc/app/x")
	for _, deed := range []string{
		"write etc/app/x",
		"write etc/app/x",
		"chmod etc/app/x",
		"chown etc/app/x",
		"remove etc/app/x",
		"symlink elsewhere etc/app/x",
		"rename etc/app etc/old",
		"mkdir etc/app", // another directory
		"write etc/app/x",
		"rename etc/app/x etc/app/y",
		"rename etc/app/y etc/app/x",
	} {
		p.Settle()
		p.strangers(deed)
		p.told("/etc/app/x")
	}
}

func TestWhoChangesADirectoryOrWhatIsInItIsNamed(t *testing.T) {
	nettest.Need(t)
	p := at(t, []string{"/d"}, "/d", "/d/")
	for deed, path := range map[string]string{"chmod d": "/d", "write d/a": "/d/"} {
		p.Settle()
		p.strangers(deed)
		p.told(path)
	}
}

func TestSeveralWhoChangeAFileAreNamed(t *testing.T) {
	nettest.Need(t)
	p := at(t, []string{"/d"}, "/d/x")
	p.Settle()
	p.strangers("write d/x", "write d/x")
	one := p.told("/d/x")
	for p.told("/d/x") == one {
	}
}

func TestVpndAndWhatItStartsAreNotNamed(t *testing.T) {
	p := at(t, []string{"/d"}, "/d/x")
	p.Settle()
	p.put("/d/x")
	cmd := exec.Command("sh", "-c", "echo x > d/x; exec sleep 0.2")
	cmd.Dir = p.root
	p.do(cmd.Run())
	for deadline := time.Now().Add(300 * time.Millisecond); time.Now().Before(deadline); {
		if h := p.Hear("/d/x"); h.By != "" {
			t.Errorf("vpnd itself is taken for %s", h.By)
		}
		p.put("/d/x")
	}
}

// TestOneGroupServesAll has one listener more, of the same directory, which ends
// before the other.
func TestOneGroupServesAll(t *testing.T) {
	nettest.Need(t)
	p := place{t: t, root: t.TempDir()}
	p.do(os.Mkdir(p.of("/d"), 0o755))
	w := new(notice.Shared)
	p.Ear = noticetest.Listen(t, files{p.root, w}, "/d/x")
	t.Run("two", func(t *testing.T) {
		other := place{t: t, root: p.root, Ear: noticetest.Listen(t, files{p.root, w}, "/d/x", "/d/y")}
		if n := groups(t); n != 1 {
			t.Errorf("%d groups of fanotify", n)
		}
		p.Settle()
		other.Settle()
		other.strangers("write d/x")
		if one, two := p.told("/d/x"), other.told("/d/x"); one != two {
			t.Errorf("%s, or %s", one, two)
		}
	})
	p.Settle()
	p.strangers("write d/x")
	p.told("/d/x")
}

// groups counts those of this process.
func groups(t *testing.T) (n int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if to, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); to == "anon_inode:[fanotify]" {
			n++
		}
	}
	return n
}

func TestAttributionKeepsNothingMounted(t *testing.T) {
	nettest.Need(t)
	p := place{t: t, root: t.TempDir()}
	p.do(os.Mkdir(p.of("/m"), 0o755))
	p.do(unix.Mount("tmpfs", p.of("/m"), "tmpfs", 0, ""))
	t.Cleanup(func() { _ = unix.Unmount(p.of("/m"), unix.MNT_DETACH) })
	p.Ear = noticetest.Listen(t, files{p.root, new(notice.Shared)}, "/m/x")
	p.strangers("write m/x")
	p.told("/m/x")
	err := unix.Unmount(p.of("/m"), 0)
	for i := 0; err != nil && i < 500; i++ { // the stranger was heard before it closed the file
		time.Sleep(10 * time.Millisecond)
		err = unix.Unmount(p.of("/m"), 0)
	}
	p.do(err)
	p.Hear("/m/x")
	p.strangers("write m/x")
	p.told("/m/x")
}
