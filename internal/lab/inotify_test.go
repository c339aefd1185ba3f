package lab

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWatchersAreCounted has a user namespace of its own, which may have few
// (namespaces(7)), so that nobody else lacks them.
func TestWatchersAreCounted(t *testing.T) {
	if os.Getenv("LAB_FEW") == "" {
		cmd := exec.Command("unshare", "--user", "--map-root-user", os.Args[0], "-test.run", "TestWatchersAreCounted$", "-test.v")
		cmd.Env = append(os.Environ(), "LAB_FEW=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v:\n%s", err, out)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("30"), 0); err != nil {
		t.Fatal(err)
	}
	if err := awaitWatchers(t.Context(), t.Logf); err != nil {
		t.Errorf("with enough of them: %v", err)
	}
	for range 10 {
		if _, err := unix.InotifyInit1(unix.IN_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	if n := spare(watching); n != 20 {
		t.Errorf("%d are free of 30 where 10 are taken", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	said := 0
	err := awaitWatchers(ctx, func(string, ...any) { said++ })
	if err == nil || !strings.Contains(err.Error(), "20 are free of the 30") {
		t.Errorf("a host would be booted without them: %v", err)
	}
	if said != 1 {
		t.Errorf("that it waits is said %d times", said)
	}
}
