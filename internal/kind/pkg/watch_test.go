package pkg

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/notice/noticetest"
)

func TestTheDatabasesAreHeard(t *testing.T) {
	root := t.TempDir()
	write := func(name string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		must(t, os.WriteFile(filepath.Join(root, name), []byte(name), 0o644))
	}
	write("/var/lib/dpkg/status")
	ear := noticetest.Listen(t, Verbs{Root: root}, "openvpn")
	ear.Delay(20, 50*time.Millisecond, func(int) { // as dpkg does
		write("/var/lib/dpkg/status-new")
		must(t, os.Rename(filepath.Join(root, "/var/lib/dpkg/status-new"), filepath.Join(root, "/var/lib/dpkg/status")))
	})
	ear.Quiet(func() { write("/var/lib/dpkg/available") })
	for _, name := range []string{"/var/lib/rpm/rpmdb.sqlite-wal", "/usr/lib/sysimage/rpm/rpmdb.sqlite"} {
		ear.Settle()
		write(name)
		ear.Next()
	}
}
