package lab_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
)

// playOwner is set in the environment of a test binary that is to boot a host
// and be killed.
const playOwner = "VPND_LAB_TEST_OWNER"

// beOwner boots a host, prints its PID and console, and waits to be killed.
func beOwner() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := lab.New(ctx, lab.Options{Progress: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer l.Close()
	h, err := l.Host(ctx, "orphan")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(h.PID(), h.Console())
	<-ctx.Done()
}

// A test binary that is killed takes its hosts with it, and the next lab cleans
// up; but not while the owner lives.
func TestKilledOwner(t *testing.T) {
	t.Parallel()
	labtest.New(t) // skips without root
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), playOwner+"=1")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	var console string
	if _, err := fmt.Sscan(line, &pid, &console); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(filepath.Dir(console))
	labtest.New(t)
	if _, err := os.Stat(dir); err != nil || !alive(pid) {
		t.Fatalf("another lab has disturbed the owner's: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	eventually(t, "the host of the killed process ends", func() bool { return !alive(pid) && len(processes(t, dir)) == 0 })
	labtest.New(t)
	assertGone(t, dir, []int{pid})
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
