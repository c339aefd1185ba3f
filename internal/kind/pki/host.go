package pki

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// maxFile is how large a file of this package may be, in bytes.
const maxFile = 16 << 20

// Host is where the verbs of this package do their work.
type Host struct {
	Root   string           // directory that all paths are below; "/" for the host itself
	Clock  func() time.Time // what time it is
	Rand   io.Reader        // where keys and serial numbers come from
	Shared *notice.Shared   // with other watchers; nil is nothing, and nobody is named

	Synchronized func() bool // whether the clock is known to be right; nil is for no
}

// access is where a shape says who may use the thing.
type access struct {
	mode         **resource.Mode
	owner, group **string
}

// stat is who may use a file on the host.
type stat struct {
	mode     fs.FileMode
	uid, gid int
}

// read returns the content of a file and who may use it.
func (h Host) read(name string) ([]byte, stat, error) {
	f, err := atomic.Open(h.Root, name)
	if errors.Is(err, unix.ELOOP) {
		return nil, stat{}, errors.New("a symbolic link stands there; remove it, or name the file where it leads")
	}
	if err != nil {
		return nil, stat{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, stat{}, err
	}
	s := info.Sys().(*syscall.Stat_t)
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return data, stat{mode: info.Mode(), uid: int(s.Uid), gid: int(s.Gid)}, err
}

// follow returns the content of a file that others may keep, which is why it
// goes through symbolic links, as Let's Encrypt's live directory needs.
func (h Host) follow(name string) ([]byte, error) {
	for range 8 {
		info, err := atomic.Stat(h.Root, name)
		if err != nil {
			return nil, err
		}
		if info.Mode&fs.ModeSymlink == 0 {
			return atomic.ReadFile(h.Root, name, maxFile)
		}
		if !path.IsAbs(info.Links) {
			info.Links = path.Join(path.Dir(name), info.Links)
		}
		name = path.Clean(info.Links)
	}
	return nil, fmt.Errorf("%s leads through too many symbolic links", name)
}

// list returns the names in a directory; none where it is not there.
func (h Host) list(dir string) ([]string, error) {
	d, err := h.openDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// openDir opens a directory; a pipe in its place must not hold us for ever.
func (h Host) openDir(dir string) (*os.File, error) {
	const flags = os.O_RDONLY | unix.O_DIRECTORY | unix.O_NONBLOCK
	if path.Clean(h.Root) == "/" {
		return os.OpenFile(dir, flags, 0)
	}
	root, err := os.OpenRoot(h.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile("."+dir, flags, 0)
}

// target returns the file to write: with the wished access, or, where the wish
// leaves that out, the one it has now, or one that is root's alone.
func target(names *atomic.Names, name string, data []byte, want access, now *stat) (atomic.File, error) {
	f := atomic.File{Path: name, Data: data, Mode: 0o600}
	if now != nil {
		f.Mode, f.UID, f.GID = now.mode, now.uid, now.gid
	}
	if *want.mode != nil {
		f.Mode = (*want.mode).FileMode()
	}
	var errs [2]error
	if *want.owner != nil {
		f.UID, errs[0] = names.UID(**want.owner)
	}
	if *want.group != nil {
		f.GID, errs[1] = names.GID(**want.group)
	}
	return f, errors.Join(errs[:]...)
}

// show writes down who may use a file.
func (a access) show(names *atomic.Names, s stat) {
	*a.mode = resource.Ptr(resource.ModeOf(s.mode))
	*a.owner = resource.Ptr(names.User(s.uid))
	*a.group = resource.Ptr(names.Group(s.gid))
}

// canonical turns an owner given by number into the name that an observation
// will say. One that does not exist is left for Apply to complain about, since
// a package may create it before then.
func (a access) canonical(names *atomic.Names) {
	if *a.owner != nil {
		if uid, err := names.UID(**a.owner); err == nil {
			*a.owner = resource.Ptr(names.User(uid))
		}
	}
	if *a.group != nil {
		if gid, err := names.GID(**a.group); err == nil {
			*a.group = resource.Ptr(names.Group(gid))
		}
	}
}

// Preflight wants the directory of a file to be there, and what it is made from.
func (v *verbs[T]) Preflight(_ context.Context, name string, want T, plan resource.Prospect) error {
	dir := path.Dir(name)
	m := resource.Mistake{Summary: (&atomic.NoDirectoryError{Path: dir}).Error(), Hint: fmt.Sprintf("make it with a block directory %q", dir)}
	if err := v.lacking(dir, m, plan); err != nil {
		return err
	}
	if v.kept(&want) != nil || v.madeFrom == nil {
		return nil
	}
	return v.needs(v.madeFrom(&want), plan)
}

// Preflight wants the certificate of the CA too.
func (v *crls) Preflight(ctx context.Context, name string, want CRL, plan resource.Prospect) error {
	err := v.verbs.Preflight(ctx, name, want, plan)
	if err == nil && v.kept(&want) == nil {
		err = v.needs(given(want.Issuer), plan)
	}
	return err
}

// needs wants files to be there.
func (h Host) needs(files []string, plan resource.Prospect) error {
	for _, file := range files {
		m := resource.Mistake{Summary: fmt.Sprintf("it is made from %s, which does not exist", file), Hint: "bring it back from a backup"}
		if err := h.lacking(file, m, plan); err != nil {
			return err
		}
	}
	return nil
}

// home is below where vpnd keeps keys and profiles; it makes that itself.
const home = "/var/lib/vpnd"

// lacking is an error where nothing is at a path, nor comes there with the plan.
func (h Host) lacking(file string, m resource.Mistake, plan resource.Prospect) error {
	if _, err := atomic.Stat(h.Root, file); file == home || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: file}).Err()
}
