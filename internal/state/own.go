package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"vpnd/internal/trust"
)

// openOwn opens a file of the state. One that is a link of either sort, or
// somebody else's, is none: whoever put it there wants vpnd, as root, to read or
// to write another file.
func openOwn(path string, flag int) (*os.File, error) {
	// Without O_NONBLOCK a pipe in its place would hold us for ever.
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link, and no file of the state is opened through one; move it away", path)
	}
	if err != nil {
		return nil, err
	}
	if err := isOwn(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func isOwn(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file, as all of the state is; move it away", f.Name())
	case ok && st.Nlink > 1:
		return fmt.Errorf("%s has %d names (hard links), and a file of the state has one; move it away", f.Name(), st.Nlink)
	case ok && st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, and a file of the state to root; move it away, or where it is vpnd's: chown root %[1]s", f.Name(), st.Uid)
	}
	return nil
}

// Owns says whether a path is one of the state in directory dir. Keys and profiles
// lie there too, and belong to their blocks.
func Owns(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		return false
	}
	first, rest, _ := strings.Cut(rel, "/")
	switch first {
	case ".", "lock", "key", reserved, "priors", "snapshots", "secrets":
		return true
	}
	return rest == "" && (strings.HasPrefix(first, ".") || strings.HasSuffix(first, ".json") || strings.HasSuffix(first, ".damaged") || strings.HasSuffix(first, ".jsonl"))
}

// readOwn returns what a file of the state holds.
func readOwn(path string) ([]byte, error) {
	f, err := openOwn(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer // of what is large, most of the time goes into room for more
	all.Grow(int(info.Size()) + bytes.MinRead)
	_, err = all.ReadFrom(f)
	return all.Bytes(), err
}

// trusted refuses a state directory that others could change, as a whole or what is
// in it.
func trusted(dir string) error {
	if err := trust.Path(dir); err != nil {
		return fmt.Errorf("the state is for root alone: %w", err)
	}
	return nil
}

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
