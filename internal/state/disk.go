package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Unwritable says whether an error is that of a disk that takes nothing: it is
// full, over its quota, mounted read-only or broken.
func Unwritable(err error) bool {
	return slices.ContainsFunc([]error{unix.ENOSPC, unix.EDQUOT, unix.EROFS, unix.EIO}, func(errno error) bool {
		return errors.Is(err, errno)
	})
}

// Postpone takes in facts that the disk takes none of now. They are written with
// the next ones that it takes; until then they do not outlive this store, and not
// the records of another vpnd.
func (s *Store) Postpone(facts ...Fact) {
	s.mu.Lock()
	s.late = append(s.late, facts...)
	s.mu.Unlock()
	s.learnAll(facts...)
}

// reserved is room on the disk for the undo of an apply that nobody may confirm.
const reserved = "reserve"

// ReservePath returns where the state directory dir holds that room. It is there for as
// long as an apply waits whose undo has not begun.
func ReservePath(dir string) string { return filepath.Join(dir, reserved) }

// Reserve sets room aside for what the undo of an apply has to write: the
// configuration before, what is suppressed, records, and the files that come back,
// which its snapshot holds. So a disk that is full by then keeps nobody out.
func (s *Store) Reserve(snapshot string) error {
	size := int64(64 << 10)
	paths, _ := filepath.Glob(s.path("secrets", "*"))
	for _, path := range append(paths, s.path("snapshots", snapshot+".json"), s.path(wishFile), s.path(suppressionFile)) {
		if info, err := os.Stat(path); err == nil {
			size += 2 * info.Size()
		}
	}
	f, err := openOwn(s.path(reserved), os.O_WRONLY|os.O_CREATE)
	if err == nil {
		err = errors.Join(fill(f, size), f.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("reserving room for the undo: %w", err), s.Unreserve())
	}
	return nil
}

// fill makes a file so large that the disk has that room, also where it can't
// allocate any ahead.
func fill(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.WriteAt(make([]byte, size), 0)
	}
	return errors.Join(err, f.Sync())
}

// Unreserve gives the room free: the undo begins, or there will be none.
func (s *Store) Unreserve() error {
	if err := os.Remove(s.path(reserved)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("giving the room for the undo free: %w", err)
	}
	return nil
}
