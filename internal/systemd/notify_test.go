package systemd

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Not parallel: it takes all new descriptors away from the process for a moment.
func TestNotifierNeedsNoDescriptorLater(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	tell := Notifier()

	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open("/dev/null"); err == nil {
		f.Close()
		t.Error("there was a descriptor left")
	}
	tell("READY=1")
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}

	heard := make([]byte, 100)
	n, err := manager.Read(heard)
	if err != nil || string(heard[:n]) != "READY=1" {
		t.Errorf("heard %q, %v", heard[:n], err)
	}
}
