package namespace

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func network(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Error(err)
	}
	return name
}

func TestWorkIsDoneElsewhereAndLeavesNoTrace(t *testing.T) {
	nettest.Need(t)
	here := network(t)
	seen := map[string]bool{here: true}
	no := errors.New("no")
	for range 20 {
		err := Run(unix.CLONE_NEWNET, func() error {
			there := network(t)
			if there == here {
				t.Error("it was done here")
			}
			seen[there] = true
			return no
		})
		if !errors.Is(err, no) {
			t.Errorf("the error of the work is lost: %v", err)
		}
		var denied *DeniedError
		if errors.As(err, &denied) {
			t.Errorf("an error of the work is one of the namespace: %v", err)
		}
		if now := network(t); now != here {
			t.Fatalf("now in %s", now)
		}
	}
	if len(seen) < 2 {
		t.Error("it was done nowhere")
	}
}

func TestDeniedIsToldApartFromTheWork(t *testing.T) {
	nettest.Need(t)
	worked := false
	err := Run(unix.CLONE_NEWNET, func() error {
		// The thread ends with this function, and nobody else lost the right.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			return err
		}
		return unshared(unix.CLONE_NEWNET, func() error { worked = true; return nil })
	})
	var denied *DeniedError
	if !errors.As(err, &denied) || !errors.Is(denied.Err, unix.EPERM) || errors.Is(err, unix.EPERM) || worked {
		t.Errorf("got %v, worked: %v", err, worked)
	}
}
