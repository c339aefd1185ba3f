package lab

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// What is cached is called KIND-HASH, the hash being of what it is made from. Of each
// kind the newest is kept, and what a process uses that lives: it holds a shared lock
// on the directory itself. So a run that makes the next one takes nothing from under
// another, and whoever removes is never waited for: it renames first.

// Cached is where something of a kind is cached, that is made from these things: a kind
// is a word, a release, and the packages that it is for.
func Cached(cache, word, release string, packages []string, from ...string) string {
	kind := sha256.Sum256([]byte(strings.Join(packages, "\n")))
	is := sha256.Sum256([]byte(strings.Join(from, "\n")))
	return filepath.Join(cache, fmt.Sprintf("%s-%s-%x-%x", word, release, kind[:4], is[:6]))
}

// A user is a process that uses directories of the cache, each as long as it lives.
type user struct{ held sync.Map }

// this is the process at hand.
var this user

// hold has a user use a directory, and says whether it is there.
func (u *user) hold(path string) (bool, error) {
	if _, holds := u.held.Load(path); holds {
		return true, nil
	}
	fd, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := unix.Flock(fd, unix.LOCK_SH); err != nil {
		unix.Close(fd)
		return false, fmt.Errorf("locking %s: %w", path, err)
	}
	if !isAt(fd, path) { // somebody removed it meanwhile
		unix.Close(fd)
		return false, nil
	}
	if _, holds := u.held.LoadOrStore(path, fd); holds {
		unix.Close(fd)
	}
	return true, nil
}

func open(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// isAt says whether it is still the open directory that stands there.
func isAt(fd int, path string) bool {
	var here, there unix.Stat_t
	return unix.Fstat(fd, &here) == nil && unix.Stat(path, &there) == nil && here.Dev == there.Dev && here.Ino == there.Ino
}

// prune removes what is older than the newest of one kind and used by nobody. It can
// wait for another time, so it doesn't fail.
func prune(path string, progress io.Writer) {
	maker, ok := free(filepath.Join(filepath.Dir(path), makerLock))
	if !ok {
		return // who makes something removes what is unfinished
	}
	defer maker.Close()
	for _, old := range older(path) {
		aside := filepath.Join(filepath.Dir(path), unfinished+filepath.Base(old))
		if !moveUnused(old, aside) {
			continue
		}
		fmt.Fprintf(progress, "lab: removing %s, of which there is a newer one\n", old)
		if err := os.RemoveAll(aside); err != nil {
			fmt.Fprintf(progress, "lab: removing %s: %v\n", aside, err)
		}
	}
}

// older are those of the same kind but for the newest.
func older(path string) []string {
	i := strings.LastIndexByte(path, '-')
	all, _ := filepath.Glob(path[:i] + "-" + strings.Repeat("[0-9a-f]", len(path)-i-1))
	made := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(made(a), made(b)) })
	return all[:max(0, len(all)-1)]
}

// moveUnused moves a directory away that nobody uses.
func moveUnused(path, aside string) bool {
	fd, err := open(path)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil && isAt(fd, path) && os.Rename(path, aside) == nil
}
