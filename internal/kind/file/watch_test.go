package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/nettest"
	"vpnd/internal/notice/noticetest"
)

func TestWhateverHappensToAFileIsHeard(t *testing.T) {
	nettest.Root(t, "to give files away")
	root := accounts(t)
	const name = "/etc/vpn.conf"
	real := filepath.Join(root, name)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, name, "port 1194\n")
	ear := noticetest.Listen(t, SecretFileVerbs{Root: root}, name)
	for _, c := range []struct {
		what   string
		change func()
	}{
		{"edited", func() { put(t, root, name, "port 1195\n") }},
		{"replaced", func() {
			put(t, root, "/etc/new", "port 1196\n")
			must(os.Rename(filepath.Join(root, "/etc/new"), real))
		}},
		{"opened to all", func() { must(os.Chmod(real, 0o666)) }},
		{"given away", func() { must(os.Lchown(real, 990, 991)) }},
		{"renamed", func() { must(os.Rename(real, real+".old")) }},
		{"renamed back", func() { must(os.Rename(real+".old", real)) }},
		{"removed", func() { must(os.Remove(real)) }},
		{"made a link", func() { must(os.Symlink("passwd", real)) }},
	} {
		ear.Settle()
		c.change()
		if h := ear.Next(); h.Name != name {
			t.Errorf("%s: %+v", c.what, h)
		}
	}
	ear.Quiet(func() {
		must(atomic.Write(root, atomic.File{Path: "/etc/other.conf", Data: []byte("x"), Mode: 0o600}))
		must(os.Chmod(filepath.Join(root, "etc"), 0o700))
	})
}

func TestVpndsOwnWritingIsOneEvent(t *testing.T) {
	root := accounts(t)
	ear := noticetest.Listen(t, FileVerbs{Root: root}, "/etc/a")
	ear.Settle()
	if err := atomic.Write(root, atomic.File{Path: "/etc/a", Data: make([]byte, 1<<20), Mode: 0o600, UID: -1, GID: -1}); err != nil {
		t.Fatal(err)
	}
	ear.Next()
	ear.Quiet(func() {})
}

func TestWhateverHappensToADirectoryIsHeard(t *testing.T) {
	root := accounts(t)
	real := filepath.Join(root, "etc/app")
	ear := noticetest.Listen(t, DirectoryVerbs{Root: root}, "/etc/app")
	for _, change := range []func() error{
		func() error { return os.Mkdir(real, 0o755) },
		func() error { return os.Chmod(real, 0o700) },
		func() error { return os.Chown(real, os.Getuid(), os.Getgid()) },
		func() error { return os.Remove(real) },
		func() error { return os.MkdirAll(real, 0o755) },
		func() error { return os.Rename(filepath.Join(root, "etc"), filepath.Join(root, "old")) },
	} {
		ear.Settle()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		ear.Hear("/etc/app")
	}
	ear.Quiet(func() { put(t, root, "/old/app/x", "what is in it is no concern") })
}

func TestFilesAreHeardAtOnce(t *testing.T) {
	root := accounts(t)
	ear := noticetest.Listen(t, FileVerbs{Root: root}, "/etc/a")
	ear.Delay(20, 50*time.Millisecond, func(int) { put(t, root, "/etc/a", "x") })
}
