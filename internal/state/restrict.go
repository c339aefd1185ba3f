package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Restrict makes a state directory root's alone again, where somebody opened it, and
// returns the permissions that it had then; 0 where it was closed. A directory that
// holds no state is not vpnd's to close.
func Restrict(dir string) (was fs.FileMode, err error) {
	info, err := os.Stat(dir)
	if err == nil {
		_, err = os.Lstat(filepath.Join(dir, "records.jsonl"))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("looking at the state directory: %w", err)
	case info.Mode().Perm()&0o077 == 0:
		return 0, nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return 0, fmt.Errorf("closing the state directory to others: %w", err)
	}
	return info.Mode().Perm(), nil
}
