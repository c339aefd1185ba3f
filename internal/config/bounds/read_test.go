package bounds

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// Who may not read a file is told the way out.
func TestWhoIsNotRootIsToldToBe(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/etc/vpnd/a.hcl", Err: syscall.EACCES}
	if got := Reason(denied); os.Geteuid() == 0 && got != "permission denied" {
		t.Error(got)
	}
	if os.Geteuid() == 0 {
		if err := syscall.Seteuid(54321); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Seteuid(0); err != nil {
				t.Error(err)
			}
		}()
	}
	if got := Reason(denied); got != "permission denied; run vpnd as root" {
		t.Error(got)
	}
}
