package atomic

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// rooms begins the name of every room.
const rooms = "vpnd-room-"

// Room makes a directory, 0700, in which something is tried before the host is
// touched. Leave takes it away with all that is in it. What a killed process
// left, [SweepRooms] does: a room is locked for as long as it is used.
func Room(purpose string) (path string, leave func(), err error) {
	for range 10 {
		path, err = os.MkdirTemp("", rooms+purpose+"-")
		if err != nil {
			return "", nil, fmt.Errorf("making room to try it: %w", explain(err))
		}
		lock, err := holdRoom(path)
		if err == nil {
			return path, func() { _ = os.RemoveAll(path); _ = lock.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("making room to try it: %w", errors.Join(err, os.Remove(path)))
		}
	}
	return "", nil, errors.New("making room to try it: somebody takes it away each time")
}

// holdRoom locks a room that is there.
func holdRoom(path string) (*os.File, error) {
	f, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	held, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// A sweeper may have taken it away before it was locked.
	if there, err := os.Lstat(path); err != nil || !os.SameFile(held, there) {
		return nil, errors.Join(fs.ErrNotExist, f.Close())
	}
	return f, nil
}

// SweepRooms takes away the rooms of this user that nobody is in: whoever made
// them was killed. What can't be taken away is left to the next sweep.
func SweepRooms() {
	paths, _ := filepath.Glob(filepath.Join(os.TempDir(), rooms+"*"))
	for _, path := range paths {
		var st unix.Stat_t
		if unix.Lstat(path, &st) != nil || int(st.Uid) != os.Geteuid() {
			continue
		}
		if lock, err := holdRoom(path); err == nil { // else in use, gone meanwhile, or no directory
			_ = os.RemoveAll(path)
			_ = lock.Close()
		}
	}
}
