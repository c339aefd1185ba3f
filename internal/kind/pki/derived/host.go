package derived

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// MaxFile is how large a file of this package may be, in bytes.
const MaxFile = 16 << 20

// Host is where the verbs of this package do their work.
type Host struct {
	Root   string           // directory that all paths are below; "/" for the host itself
	Clock  func() time.Time // what time it is
	Rand   io.Reader        // where keys and serial numbers come from
	Shared *notice.Shared   // with other watchers; nil is nothing, and nobody is named
	Memo   *memo.Memo       // what was worked out of files before; nil is nothing

	Synchronized func() bool // whether the clock is known to be right; nil is for no
}

// Access is where a shape says who may use the thing.
type Access struct {
	Mode         **resource.Mode
	Owner, Group **string
}

// Stat is who may use a file on the host.
type Stat struct {
	Mode     fs.FileMode
	UID, GID int
}

// Read returns the content of a file and who may use it.
func (h Host) Read(name string) ([]byte, Stat, error) {
	return readBy(name, func(name string) (atomic.Info, []byte, error) { return atomic.Read(h.Root, name, MaxFile) })
}

func readBy(name string, read func(name string) (atomic.Info, []byte, error)) ([]byte, Stat, error) {
	info, data, err := read(name)
	if errors.Is(err, unix.ELOOP) {
		return nil, Stat{}, errors.New("a symbolic link stands there; remove it, or name the file where it leads")
	}
	if err != nil {
		return nil, Stat{}, err
	}
	return data, StatOf(info), nil
}

// StatOf returns who may use a file that was looked at.
func StatOf(i atomic.Info) Stat { return Stat{Mode: i.Mode, UID: i.UID, GID: i.GID} }

// Follow returns the content of a file that others may keep, which is why it
// goes through symbolic links, as Let's Encrypt's live directory needs.
func (h Host) Follow(name string) ([]byte, error) {
	t := atomic.NewTree(h.Root)
	defer t.Close()
	return follow(t, name)
}

func follow(t *atomic.Tree, name string) ([]byte, error) {
	for range 8 {
		_, data, err := t.Read(name, MaxFile)
		if !errors.Is(err, unix.ELOOP) {
			return data, err
		}
		info, err := t.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.Mode&fs.ModeSymlink == 0 {
			continue // it was replaced just now
		}
		if !path.IsAbs(info.Links) {
			info.Links = path.Join(path.Dir(name), info.Links)
		}
		name = path.Clean(info.Links)
	}
	return nil, fmt.Errorf("%s leads through too many symbolic links", name)
}

// List returns the names in a directory; none where it is not there.
func (h Host) List(dir string) ([]string, error) {
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

// Target returns the file to write: with the wished access, or, where the wish
// leaves that out, the one it has now, or one that is root's alone.
func Target(names *atomic.Names, name string, data []byte, want Access, now *Stat) (atomic.File, error) {
	f := atomic.File{Path: name, Data: data, Mode: 0o600}
	if now != nil {
		f.Mode, f.UID, f.GID = now.Mode, now.UID, now.GID
	}
	if *want.Mode != nil {
		f.Mode = (*want.Mode).FileMode()
	}
	var errs [2]error
	if *want.Owner != nil {
		f.UID, errs[0] = names.UID(**want.Owner)
	}
	if *want.Group != nil {
		f.GID, errs[1] = names.GID(**want.Group)
	}
	return f, errors.Join(errs[:]...)
}

// Show writes down who may use a file.
func (a Access) Show(names *atomic.Names, s Stat) {
	*a.Mode = resource.Ptr(resource.ModeOf(s.Mode))
	*a.Owner = resource.Ptr(names.User(s.UID))
	*a.Group = resource.Ptr(names.Group(s.GID))
}

// Canonical turns an owner given by number into the name that an observation
// will say. One that does not exist is left for Apply to complain about, since
// a package may create it before then.
func (a Access) Canonical(names *atomic.Names) {
	if *a.Owner != nil {
		if uid, err := names.UID(**a.Owner); err == nil {
			*a.Owner = resource.Ptr(names.User(uid))
		}
	}
	if *a.Group != nil {
		if gid, err := names.GID(**a.Group); err == nil {
			*a.Group = resource.Ptr(names.Group(gid))
		}
	}
}

// Preflight wants the directory of a file to be there, and what it is made from.
func (v *Verbs[T]) Preflight(_ context.Context, name string, want T, plan resource.Prospect) error {
	dir := path.Dir(name)
	m := resource.Mistake{Summary: (&atomic.NoDirectoryError{Path: dir}).Error(), Hint: fmt.Sprintf("make it with a block directory %q", dir)}
	if err := v.lacking(dir, m, plan); err != nil {
		return err
	}
	if v.Kept(&want) != nil || v.MadeFrom == nil {
		return nil
	}
	return v.Needs(v.MadeFrom(&want), plan)
}

// Needs wants files to be there.
func (h Host) Needs(files []string, plan resource.Prospect) error {
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
	lacking := plan.Lacking(m, resource.ID{Kind: resource.Path, Name: file})
	if lacking == nil || file == home {
		return nil
	}
	if _, err := atomic.Stat(h.Root, file); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return lacking.Err()
}
