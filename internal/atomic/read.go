package atomic

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Info is what is known of a name without reading it.
type Info struct {
	Mode  fs.FileMode // with the type
	UID   int
	GID   int
	Size  int64
	Links string // where a symbolic link leads, as it is written

	Changed time.Time // when anything of it changed last: what it holds, its name, who may use it (ctime, inode(7))
}

// Stat looks at a name below the root and does not follow it where it is a
// symbolic link. Where nothing is there, or the way there ends before, the
// error is [fs.ErrNotExist].
func Stat(root, name string) (Info, error) {
	in, base, err := locate(root, name)
	if absent(err) {
		err = &fs.PathError{Op: "looking at", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return Info{}, err
	}
	defer in.close()
	st, err := in.lstat(base)
	if err != nil {
		return Info{}, err
	}
	if st == nil {
		return Info{}, &fs.PathError{Op: "looking at", Path: name, Err: fs.ErrNotExist}
	}
	info := infoOf(st)
	if info.Mode&fs.ModeSymlink != 0 {
		info.Links, err = readlink(in.fd, base)
	}
	return info, err
}

func infoOf(st *unix.Stat_t) Info {
	return Info{Mode: modeOf(st.Mode), UID: int(st.Uid), GID: int(st.Gid), Size: st.Size, Changed: time.Unix(st.Ctim.Unix())}
}

func modeOf(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{unix.S_ISUID: fs.ModeSetuid, unix.S_ISGID: fs.ModeSetgid, unix.S_ISVTX: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	switch bits & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	return mode
}

// Open opens a regular file below the root for reading. A symbolic link in
// its place, or anything else that is no regular file, is an error.
func Open(root, name string) (*os.File, error) {
	in, base, err := locate(root, name)
	if err != nil {
		return nil, err
	}
	defer in.close()
	// Without O_NONBLOCK a pipe in its place would hold us for ever.
	f, err := in.openat(base, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadFile reads a file as [Open] opens it. One that holds more than limit
// bytes is an error.
func ReadFile(root, name string, limit int64) ([]byte, error) {
	f, err := Open(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, limit)
}

// Look returns what is known of a name and, where it is a regular file, what
// it holds, both of the same file. Like [Stat] it does not follow a link;
// where nothing is there, the error is [fs.ErrNotExist].
func Look(root, name string, limit int64) (Info, []byte, error) {
	info, err := Stat(root, name)
	if err != nil || !info.Mode.IsRegular() {
		return info, nil, err
	}
	f, err := Open(root, name)
	if err != nil {
		return info, nil, err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return info, nil, &fs.PathError{Op: "looking at", Path: name, Err: err}
	}
	data, err := readAll(f, limit)
	return infoOf(&st), data, err
}

// List returns the names in a directory below the root, unsorted, and none where
// the directory is not there.
func List(root, name string) ([]string, error) {
	in, err := openDirectory(root, name)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.close()
	d, err := in.open()
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func readAll(f *os.File, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB, more than is read", f.Name(), limit>>20)
	}
	return data, nil
}
