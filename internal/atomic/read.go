package atomic

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
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

	Modified      time.Time // when what it holds changed last, as whoever may write to it says (mtime)
	Device, Inode uint64
}

// Still says whether a file is the one that was looked at earlier, and holds the same:
// whoever is not root can't set the time of the last change, ctime. One that had
// changed within two seconds before it was looked at may have changed since without a
// trace, for clocks of file systems are coarse; so may one that others than root can
// write to, by a mapping that they keep.
func (i Info) Still(earlier Info, looked time.Time) bool {
	return i == earlier && i.UID == 0 && i.Mode.IsRegular() && i.Mode.Perm()&0o022 == 0 && looked.Sub(i.Changed) > 2*time.Second
}

// StillHolds says whether it is a directory that holds the same names as long as what is
// known of it stays the same: a name that comes or goes is a change of it.
func (i Info) StillHolds(looked time.Time) bool {
	return i.Mode.IsDir() && looked.Sub(i.Changed) > 2*time.Second
}

// Stat looks at a name below the root and does not follow it where it is a
// symbolic link. Where nothing is there, or the way there ends before, the
// error is [fs.ErrNotExist].
func Stat(root, name string) (Info, error) {
	in, base, err := lookIn(root, name)
	if err != nil {
		return Info{}, err
	}
	defer in.close()
	return in.stat(base, name)
}

// lookIn opens the directory of a name. Where that is not there, neither is the name.
func lookIn(root, name string) (*directory, string, error) {
	in, base, err := locate(root, name)
	if absent(err) {
		err = &fs.PathError{Op: "looking at", Path: name, Err: fs.ErrNotExist}
	}
	return in, base, err
}

func infoOf(st *unix.Stat_t) Info {
	return Info{
		Mode: modeOf(st.Mode), UID: int(st.Uid), GID: int(st.Gid), Size: st.Size, Changed: time.Unix(st.Ctim.Unix()),
		Modified: time.Unix(st.Mtim.Unix()), Device: st.Dev, Inode: st.Ino,
	}
}

// special are the bits beside the permissions, as inode(7) and package fs have them.
var special = [...]struct {
	bit  uint32
	mode fs.FileMode
}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}}

func modeOf(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for _, s := range special {
		if bits&s.bit != 0 {
			mode |= s.mode
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

// bitsOf is what chmod(2) takes for a mode.
func bitsOf(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for _, s := range special {
		if mode&s.mode != 0 {
			bits |= s.bit
		}
	}
	return bits
}

// ReadFile reads a regular file below the root. A symbolic link in its place, or
// anything else that is no regular file, is an error, and so is one that holds more
// than limit bytes.
func ReadFile(root, name string, limit int64) ([]byte, error) {
	_, data, err := Read(root, name, limit)
	return data, err
}

// Read is [ReadFile], and says besides what is known of the file that was read. A
// symbolic link in its place is [unix.ELOOP].
func Read(root, name string, limit int64) (Info, []byte, error) {
	in, base, err := locate(root, name)
	if err != nil {
		return Info{}, nil, err
	}
	defer in.close()
	return in.read(base, name, limit)
}

// Look returns what is known of a name and, where it is a regular file, what
// it holds, both of the same file. Like [Stat] it does not follow a link;
// where nothing is there, the error is [fs.ErrNotExist].
func Look(root, name string, limit int64) (Info, []byte, error) {
	in, base, err := lookIn(root, name)
	if err != nil {
		return Info{}, nil, err
	}
	defer in.close()
	info, err := in.stat(base, name)
	if err != nil || !info.Mode.IsRegular() {
		return info, nil, err
	}
	return in.read(base, name, limit)
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

// read reads a regular file by its descriptor alone: of thousands of small files,
// what package os does beside costs more than what they hold.
func (f *directory) read(base, name string, limit int64) (Info, []byte, error) {
	where := path.Join(f.path, base)
	// Without O_NONBLOCK a pipe in its place would hold us for ever.
	fd, err := unix.Openat(f.fd, base, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return Info{}, nil, &fs.PathError{Op: "opening", Path: where, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Info{}, nil, &fs.PathError{Op: "looking at", Path: where, Err: err}
	}
	info := infoOf(&st)
	if !info.Mode.IsRegular() {
		return info, nil, fmt.Errorf("%s is no regular file", name)
	}
	data, err := readAll(fd, info.Size, limit)
	if err != nil {
		return info, nil, &fs.PathError{Op: "reading", Path: where, Err: err}
	}
	if int64(len(data)) > limit {
		return info, nil, fmt.Errorf("%s is larger than %d MiB, more than is read", where, limit>>20)
	}
	return info, data, nil
}

// readAll reads up to one byte more than the limit. The size is a guess: files of
// proc(5) have none, and others may grow meanwhile. Where there was less to read than
// there was room for, and that is all that there should be, nobody asks for more.
func readAll(fd int, size, limit int64) ([]byte, error) {
	data := make([]byte, 0, min(size, limit)+1)
	for int64(len(data)) <= limit {
		data = slices.Grow(data, 1)
		room := data[len(data):min(int64(cap(data)), limit+1)]
		n, err := unix.Read(fd, room)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return data, err
		}
		data = data[:len(data)+n]
		if n < len(room) && int64(len(data)) == size {
			return data, nil
		}
	}
	return data, nil
}
