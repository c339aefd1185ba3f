package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// A claim makes sure that only one daemon runs, and tells others that it does.
type claim struct {
	runDir string
	lock   *flock.Flock
}

func claimPath(runDir string) string { return filepath.Join(runDir, "daemon.lock") }

// stake makes the claim.
func stake(runDir string) (*claim, error) {
	c := &claim{runDir: runDir}
	return c, c.take()
}

// take locks what is at the path now.
func (c *claim) take() error {
	if err := makeRunDir(c.runDir); err != nil {
		return err
	}
	lock := flock.New(claimPath(c.runDir), flock.SetFlag(os.O_CREATE|os.O_RDONLY|unix.O_NOFOLLOW), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("locking %s: %w", claimPath(c.runDir), err)
	}
	if !held {
		return errors.New("a daemon already runs with this run folder; vpnd status tells of it")
	}
	c.drop()
	c.lock = lock
	return nil
}

// renew takes the claim anew where somebody removed the run folder, or the file
// in it.
func (c *claim) renew() error {
	ours, err := c.lock.Stat()
	if err != nil {
		return c.take()
	}
	there, err := os.Lstat(claimPath(c.runDir))
	if err == nil && os.SameFile(ours, there) {
		return nil
	}
	return c.take()
}

func (c *claim) drop() {
	if c.lock != nil {
		_ = c.lock.Unlock()
	}
}

// makeRunDir makes the run folder where it is missing. Whatever the umask says,
// others may look into it: its files say for themselves who may read them.
func makeRunDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil // what is wrong with it, whoever uses it finds out
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("making the run folder: %w", err)
	}
	return nil
}

// Runs says whether a daemon runs with this run folder. The kernel drops the
// lock with the process, so the answer is never stale.
func Runs(runDir string) bool {
	if _, err := os.Lstat(claimPath(runDir)); err != nil {
		return false
	}
	lock := flock.New(claimPath(runDir), flock.SetFlag(os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK))
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return err == nil && !free
}
