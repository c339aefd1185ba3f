package systemd

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

// Only what systemd started has a sandbox to leave; what inherited its
// environment has not.
func TestPlainCommandsStayChildren(t *testing.T) {
	argv := []string{"apt-get", "install", "openvpn"}
	for _, pid := range []string{"", strconv.Itoa(os.Getppid())} {
		t.Setenv("SYSTEMD_EXEC_PID", pid)
		if got := Apart("Packages", nil, argv); !slices.Equal(got, argv) {
			t.Errorf("with SYSTEMD_EXEC_PID=%q it runs %q", pid, got)
		}
	}
}
