package proof

import (
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func TestProvingNeedsRoot(t *testing.T) {
	nettest.Need(t)
	err := apart(func() error {
		// The thread ends with this function, and nobody else lost the right.
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			return err
		}
		return unshared(func() error { return nil })
	})
	want := "rules are proved in a network namespace of their own, which is not permitted here; run vpnd as root, and in a unit without RestrictNamespaces="
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
