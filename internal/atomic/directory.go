package atomic

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links a path may go through, as in
// path_resolution(7).
const maxLinks = 40

// directory is an open directory. What is done in it is done by its descriptor, so
// nobody can lead us elsewhere by swapping a part of the path meanwhile.
type directory struct {
	fd   int
	path string // on the host, without links
}

// openDirectory opens the directory of that name below root, as chroot(2) would see
// it: neither a link nor .. leads out. A link on the way is followed only
// where root or we ourselves made it, as with /var/run: whoever else can make
// one could send us anywhere.
func openDirectory(root, name string) (*directory, error) {
	if f := straight(root, name); f != nil {
		return f, nil
	}
	return walkTo(root, name)
}

// straight opens a directory that no symbolic link leads to in one call, where a
// walk takes three a part of the path. It is nil where that can't be done: the walk
// finds out why. See openat2(2), which a filter of system calls may refuse.
func straight(root, name string) *directory {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_IN_ROOT}
	at, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(at)
	fd, err := unix.Openat2(at, cmp.Or(name, "."), &how)
	if err != nil {
		return nil
	}
	return &directory{fd: fd, path: path.Join(root, path.Join("/", name))}
}

// walkTo opens a directory part by part, so that each symbolic link on the way is
// judged.
func walkTo(root, name string) (*directory, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: root, Err: err}
	}
	w := walk{fds: []int{fd}}
	defer w.close()
	for todo := parts(name); len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		target, err := w.step(part)
		if err != nil {
			return nil, fmt.Errorf("opening the directory %s: %w", name, err)
		}
		todo = append(parts(target), todo...)
	}
	return w.end(root), nil
}

func parts(name string) []string {
	if name == "" {
		return nil
	}
	all := strings.Split(name, "/")
	if all[0] == "" {
		all[0] = "/"
	}
	return all
}

// walk is the way from the root down to a directory.
type walk struct {
	fds   []int // of the root and of each name
	names []string
	links int
}

// step takes one part of a path; where that is a link, it stays and returns
// where the link leads.
func (w *walk) step(part string) (target string, err error) {
	switch part {
	case "", ".":
		return "", nil
	case "/":
		w.up(len(w.names))
		return "", nil
	case "..":
		w.up(min(1, len(w.names)))
		return "", nil
	}
	here := "/" + path.Join(append(slices.Clone(w.names), part)...)
	fd, err := unix.Openat(w.fds[len(w.fds)-1], part, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "opening", Path: here, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return "", &fs.PathError{Op: "looking at", Path: here, Err: err}
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		w.fds, w.names = append(w.fds, fd), append(w.names, part)
		return "", nil
	}
	defer unix.Close(fd)
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", &fs.PathError{Op: "opening", Path: here, Err: unix.ENOTDIR}
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is a symbolic link made by user %d, which is not followed; name the directory where it leads, or let root make the link", here, st.Uid)
	}
	if w.links++; w.links > maxLinks {
		return "", &fs.PathError{Op: "opening", Path: here, Err: unix.ELOOP}
	}
	target, err = readlink(fd, "")
	if err != nil {
		return "", &fs.PathError{Op: "reading the link", Path: here, Err: err}
	}
	return target, nil
}

func (w *walk) up(n int) {
	for range n {
		last := len(w.fds) - 1
		unix.Close(w.fds[last])
		w.fds, w.names = w.fds[:last], w.names[:last-1]
	}
}

// end takes the last directory out of the walk.
func (w *walk) end(root string) *directory {
	last := len(w.fds) - 1
	f := &directory{fd: w.fds[last], path: path.Join(root, path.Join(w.names...))}
	w.fds = w.fds[:last]
	return f
}

func (w *walk) close() {
	for _, fd := range w.fds {
		unix.Close(fd)
	}
}

func readlink(fd int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

func (f *directory) close() { unix.Close(f.fd) }

// open opens the directory for listing and flushing, which the descriptor that
// it was found by can't.
func (f *directory) open() (*os.File, error) {
	return f.openat(".", unix.O_RDONLY|unix.O_DIRECTORY)
}

func (f *directory) openat(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(f.fd, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &fs.PathError{Op: "opening", Path: path.Join(f.path, name), Err: err}
	}
	return os.NewFile(uintptr(fd), path.Join(f.path, name)), nil
}

// sync makes the names in the directory durable.
func (f *directory) sync() error {
	d, err := f.open()
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// lstat looks at a name; nil and no error where there is nothing.
func (f *directory) lstat(name string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return nil, nil
	}
	if err != nil {
		return nil, &fs.PathError{Op: "looking at", Path: path.Join(f.path, name), Err: err}
	}
	return &st, nil
}

// locate opens the directory that a path is in and returns the last part.
func locate(root, name string) (*directory, string, error) {
	if !path.IsAbs(name) || strings.HasSuffix(name, "/") || strings.ContainsRune(name, 0) {
		return nil, "", notAPath(name)
	}
	dir, base := path.Split(name)
	if !isName(base) {
		return nil, "", notAPath(name)
	}
	f, err := openDirectory(root, dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = &NoDirectoryError{Path: path.Clean(dir)}
	}
	return f, base, err
}

// A NoDirectoryError says that the directory which a file is to be in is not there.
// It is [fs.ErrNotExist].
type NoDirectoryError struct{ Path string }

// Error names the directory.
func (e *NoDirectoryError) Error() string {
	return fmt.Sprintf("the directory %s does not exist", e.Path)
}

// Unwrap returns [fs.ErrNotExist].
func (*NoDirectoryError) Unwrap() error { return fs.ErrNotExist }
