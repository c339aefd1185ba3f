package nettest

import (
	"os"
	"strings"
	"testing"
)

// machine is set in a machine with Debian's own kernel, see internal/lab/machine.
const machine = "VPND_MACHINE"

// Kernel is for a test that needs what only Debian's own kernel is sure to have:
// IPsec, xfrm interfaces, WireGuard, modules. make test-kernel runs it, in a machine
// with that kernel, and fails where it did not run; elsewhere the test is skipped.
// It is known by its name, which begins with TestDebianKernel.
func Kernel(t testing.TB) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestDebianKernel") {
		t.Fatal("it needs Debian's own kernel, and make test-kernel would not find it: its name must begin with TestDebianKernel")
	}
	if os.Getenv(machine) == "" {
		t.Skip("needs Debian's own kernel: make test-kernel runs it")
	}
}
