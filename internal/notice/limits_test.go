package notice_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/notice"
)

// inNamespace marks the process that runs in a user namespace of its own, whose
// limits can be set without touching the machine.
const inNamespace = "VPND_NOTICE_LIMIT"

func TestMain(m *testing.M) {
	if os.Getenv(strange) != "" {
		stranger()
		return
	}
	if os.Getenv(inNamespace) != "" {
		os.Exit(m.Run())
	}
	nettest.Main(m)
}

func TestTheLimitOfWatchesIsNamed(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		nettest.Need(t)
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestTheLimitOfWatchesIsNamed$", "-test.v")
		cmd.Env = append(os.Environ(), inNamespace+"=1")
		root := []syscall.SysProcIDMap{{Size: 1}}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: root, GidMappings: root}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_watches", []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	var names []string
	root := t.TempDir()
	for i := range 10 {
		names = append(names, fmt.Sprintf("/%d/x", i))
		if err := os.Mkdir(filepath.Join(root, strconv.Itoa(i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := notice.Files{Root: root, Paths: names, Begin: func() {}}.Listen(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), ": all inotify watches are in use; raise the sysctl fs.inotify.max_user_watches") {
		t.Errorf("got %v", err)
	}
}

// TestAnOverflowMeansEverything stands still while more happens than the kernel
// keeps for a listener.
func TestAnOverflowMeansEverything(t *testing.T) {
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	queued, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil || queued > 1<<20 {
		t.Fatalf("a queue of %s events is too long to be filled", limit)
	}
	root := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begun, stuck, release := make(chan bool, 10), make(chan bool, 1), make(chan bool)
	ended := make(chan error, 1)
	go func() {
		ended <- notice.Files{
			Root: root, Paths: []string{"/a", "/b"}, Begin: func() { begun <- true },
			Changed: func(string, string) {
				select {
				case stuck <- true:
					<-release
				default:
				}
			},
		}.Listen(ctx)
	}()
	<-begun
	a, b := filepath.Join(root, "a"), filepath.Join(root, "b")
	for i := range queued + 10 { // equal events in a row count once
		name := a
		if i%2 == 1 {
			name = b
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	<-stuck
	close(release)
	select {
	case <-begun:
	case <-ctx.Done():
		t.Error("events were lost, and it does not say so")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
