package machine

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// boots runs a script in a machine.
func boots(ctx context.Context, t *testing.T, files map[string]string, script string, out io.Writer) (int, error) {
	t.Helper()
	nettest.Root(t, "to make a disk out of the lab's root file system")
	return Run(ctx, Options{Files: files, Script: script, Output: out, Progress: t.Output()})
}

// Debian's kernel runs with what others lack, files were taken along, and output and
// exit status come back.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("taken along\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	status, err := boots(t.Context(), t, map[string]string{"some/file": file, "dir": filepath.Dir(file)}, `
		cat some/file dir/file
		stat -c '%A %U' some/file
		for module in esp4 xfrm_interface wireguard ovpn-dco-v2; do modprobe $module || exit 2; done
		echo from standard error >&2
		exit 3`, &out)
	if err != nil {
		t.Fatal(err)
	}
	want := "taken along\ntaken along\n-rw-r----- root\nfrom standard error\n"
	if out.String() != want || status != 3 {
		t.Errorf("the script ended with status %d and wrote\n%s", status, out.String())
	}
}

// A machine that breaks is told of with its last words.
func TestPanic(t *testing.T) {
	_, err := boots(t.Context(), t, nil, "echo c >/proc/sysrq-trigger; sleep 100", io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Kernel panic - not syncing: sysrq triggered crash") {
		t.Errorf("a kernel that panics is told of as %v", err)
	}
}

// A script that hangs is not waited for, and what was made for it is gone.
func TestCancel(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	if _, err := boots(ctx, t, nil, "echo hanging; sleep 1000", heard(func() { cancel(why) })); !errors.Is(err, why) {
		t.Errorf("a machine that was switched off is told of as %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// heard is a writer that calls a function whenever something is written.
type heard func()

func (h heard) Write(p []byte) (int, error) {
	h()
	return len(p), nil
}
