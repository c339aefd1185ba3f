package lock

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Only who may write the database of packages can keep repairs waiting.
func TestLockForReadingKeepsNobodyWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		kind int16
		held bool
	}{{unix.F_RDLCK, false}, {unix.F_WRLCK, true}, {unix.F_UNLCK, false}} {
		// Of the open file, since a process does not hear of its own locks.
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: c.kind}); err != nil {
			t.Fatal(err)
		}
		if got := holder(path) != 0; got != c.held {
			t.Errorf("with a lock of type %d it is held: %v, want %v", c.kind, got, c.held)
		}
	}
}
