package atomic

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// A Tree reads many files below a root and finds each directory once. It is for one
// look at the host, in which no directory is taken for another, and is good for many
// hands at once.
type Tree struct {
	root string

	mu   sync.Mutex
	dirs map[string]*branch // by the directory's part of a path
}

// branch is a directory.
type branch struct {
	in   *directory
	file *os.File // of the same descriptor, which is closed when nobody needs it any more
	err  error    // there is none; of thousands of files that are yet to come, nobody asks for each
}

// NewTree returns a tree of what is below a root.
func NewTree(root string) *Tree { return &Tree{root: root, dirs: make(map[string]*branch)} }

// Read is the package's [Read].
func (t *Tree) Read(name string, limit int64) (Info, []byte, error) {
	b, base, err := t.locate(name)
	if err != nil {
		return Info{}, nil, err
	}
	return b.in.read(base, name, limit)
}

// Stat is the package's [Stat].
func (t *Tree) Stat(name string) (Info, error) {
	b, base, err := t.locate(name)
	if absent(err) {
		err = &fs.PathError{Op: "looking at", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return Info{}, err
	}
	return b.in.stat(base, name)
}

func (t *Tree) locate(name string) (*branch, string, error) {
	dir, base := path.Split(name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !path.IsAbs(name) || !isName(base) {
		return nil, "", notAPath(name)
	}
	b := t.dirs[dir]
	if b == nil {
		in, _, err := locate(t.root, name)
		switch {
		case absent(err):
			b = &branch{err: err}
		case err != nil:
			return nil, "", err
		default:
			b = &branch{in: in, file: os.NewFile(uintptr(in.fd), in.path)}
		}
		t.dirs[dir] = b
	}
	return b, base, b.err
}

// isName says whether the last part of a path can be the name of a file.
func isName(base string) bool { return base != "" && base != "." && base != ".." }

func notAPath(name string) error { return fmt.Errorf("%q is no absolute path of a file", name) }

// Close lets go of the directories.
func (t *Tree) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, b := range t.dirs {
		if b.file != nil {
			errs = append(errs, b.file.Close())
		}
	}
	t.dirs = make(map[string]*branch)
	return errors.Join(errs...)
}

// stat looks at a name in the directory; whole is its path.
func (f *directory) stat(base, whole string) (Info, error) {
	st, err := f.lstat(base)
	if err != nil {
		return Info{}, err
	}
	if st == nil {
		return Info{}, &fs.PathError{Op: "looking at", Path: whole, Err: fs.ErrNotExist}
	}
	info := infoOf(st)
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		info.Links, err = readlink(f.fd, base)
	}
	return info, err
}
