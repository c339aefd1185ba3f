package lock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRunDirectoryIsOpenWhateverTheUmask(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	dir := filepath.Join(t.TempDir(), "run")
	if err := makeRunDir(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}

// Each removal of the file would cost a descriptor.
func TestOldLockIsReleased(t *testing.T) {
	i, err := Acquire(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer i.Release()
	old, err := os.Open(instancePath(i.runDir))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := errors.Join(os.Remove(instancePath(i.runDir)), i.Renew()); err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(old.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("the old lock is still held: %v", err)
	}
}

func TestOneAgentARunDirectory(t *testing.T) {
	dir := t.TempDir()
	if AgentRuns(dir) {
		t.Error("an agent passes for running where there is no lock")
	}
	first, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(dir); err == nil || !AgentRuns(dir) {
		t.Errorf("a second one may run: %v", err)
	}
	first.Release()
	if AgentRuns(dir) {
		t.Error("the agent has ended and passes for running")
	}
	second, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}
