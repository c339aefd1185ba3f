package state

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// ErrBusy is returned where another vpnd holds the lock for longer than the
// caller would wait.
type ErrBusy struct{ Holder string }

// Error names the holder.
func (e *ErrBusy) Error() string {
	return fmt.Sprintf("another vpnd is at work (%s); wait for it to end", e.Holder)
}

// Lock takes the lock of the state folder, which whoever changes the host must
// hold, and waits for it until ctx ends. The kernel drops it when its holder
// dies. The caller must call the returned function.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	held, err := lock.TryLockContext(ctx, 50*time.Millisecond)
	if !held {
		if ctx.Err() != nil {
			return nil, &ErrBusy{Holder: holder(path)}
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	// Who holds it is a courtesy to the next one, not part of the lock.
	_ = os.WriteFile(path, fmt.Appendf(nil, "process %d", os.Getpid()), 0o600)
	return func() { _ = lock.Unlock() }, nil
}

func holder(path string) string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return "unknown process"
	}
	return strings.TrimSpace(string(data))
}

// makeDir makes a folder that nobody else may look into. Those on the way to it,
// as /var below the root of an image, are not vpnd's to close.
func makeDir(dir string) error {
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("making the state folder: %w", err)
	}
	return nil
}
