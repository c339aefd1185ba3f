// Package lock tells by their lock files who else is at work on this host: one
// agent a run directory, which commands have to know of, and the package manager,
// whose work is not for vpnd to undo. The lock of the state is in package state.
//
// The kernel drops a lock with the process that holds it, so an answer is never
// stale.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// An Instance is the lock of the one agent that runs with a run directory. It
// tells others that it does.
type Instance struct {
	runDir string
	lock   *flock.Flock
}

func instancePath(runDir string) string { return filepath.Join(runDir, "daemon.lock") }

// Acquire takes the lock, and fails where another agent has it.
func Acquire(runDir string) (*Instance, error) {
	i := &Instance{runDir: runDir}
	return i, i.acquire()
}

// acquire locks what is at the path now.
func (i *Instance) acquire() error {
	if err := makeRunDir(i.runDir); err != nil {
		return err
	}
	path := instancePath(i.runDir)
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDONLY|unix.O_NOFOLLOW), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("locking %s: %w", path, err)
	}
	if !held {
		return errors.New("a daemon already runs with this run directory; vpnd status tells of it")
	}
	i.Release()
	i.lock = lock
	return nil
}

// Renew takes the lock anew where somebody removed the run directory, or the file
// in it.
func (i *Instance) Renew() error {
	ours, err := i.lock.Stat()
	if err != nil {
		return i.acquire()
	}
	there, err := os.Lstat(instancePath(i.runDir))
	if err == nil && os.SameFile(ours, there) {
		return nil
	}
	return i.acquire()
}

// Release gives the lock back.
func (i *Instance) Release() {
	if i.lock != nil {
		_ = i.lock.Unlock()
	}
}

// makeRunDir makes the run directory where it is missing. Whatever the umask
// says, others may look into it: its files say for themselves who may read them.
func makeRunDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil // what is wrong with it, whoever uses it finds out
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("making the run directory: %w", err)
	}
	return nil
}

// AgentRuns says whether an agent runs with this run directory.
func AgentRuns(runDir string) bool {
	if _, err := os.Lstat(instancePath(runDir)); err != nil {
		return false
	}
	lock := flock.New(instancePath(runDir), flock.SetFlag(os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK))
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return err == nil && !free
}
