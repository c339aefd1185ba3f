package file

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// DirectoryTraits are what directories are.
var DirectoryTraits = resource.Traits{Path: true, Directory: true}

// DirectoryVerbs are the verbs of the kind directory.
type DirectoryVerbs struct {
	Root   string         // "/" for the host itself
	Shared *notice.Shared // with other watchers; nil is nothing, and nobody is named
}

// Observe looks at directories, and reads the accounts of the host once.
func (v DirectoryVerbs) Observe(ctx context.Context, wants map[string]*Directory) (map[string]*Directory, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *Directory) (*Directory, error) { return v.observe(names, name) })
}

// observe looks at a directory. Anything else in its place, a symbolic link
// too, is an error: who knows what would be lost with it.
func (v DirectoryVerbs) observe(names *atomic.Names, name string) (*Directory, error) {
	info, err := atomic.Stat(v.Root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.Mode&fs.ModeSymlink != 0 {
		return nil, errors.New("a symbolic link to " + info.Links + " stands where the directory shall be; remove it, or name the directory where it leads")
	}
	if !info.Mode.IsDir() {
		return nil, errors.New("a file stands where the directory shall be; move it away or choose another path")
	}
	return &Directory{
		Mode:  resource.Ptr(resource.ModeOf(info.Mode)),
		Owner: resource.Ptr(names.User(info.UID)),
		Group: resource.Ptr(names.Group(info.GID)),
	}, nil
}

// Normalize refuses to close directories of everybody, and names owners and groups as the host will say them back.
func (v DirectoryVerbs) Normalize(_ context.Context, wants map[string]*Directory) (map[string]*Directory, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*Directory, len(wants))
	var errs []error
	for name, want := range wants {
		if err := v.closes(name, want); err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		normal[name] = &Directory{Mode: want.Mode, Owner: userOf(names, want.Owner), Group: groupOf(names, want.Group)}
	}
	return normal, errors.Join(errs...)
}

// Apply makes directories, or gives them their owners and modes.
func (v DirectoryVerbs) Apply(_ context.Context, items []resource.Item[Directory]) error {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return err
	}
	return resource.ApplyEach(items, func(i resource.Item[Directory]) error { return v.apply(names, i.Name, i.Got, i.Want) })
}

// apply makes a directory, one level only, so that nothing comes to be that the
// plan doesn't show; or it gives the directory its owner and mode.
func (v DirectoryVerbs) apply(names *atomic.Names, name string, got *Directory, want Directory) error {
	if got == nil {
		got = &Directory{}
	}
	uid, gid, err := account(names, first(want.Owner, got.Owner), first(want.Group, got.Group))
	if err != nil {
		return err
	}
	mode := first(want.Mode, got.Mode)
	if mode == nil {
		mode = resource.Ptr(resource.Mode(0o700))
	}
	if got.Mode != nil {
		return hint(atomic.Own(v.Root, name, mode.FileMode(), uid, gid))
	}
	return hint(atomic.Mkdir(v.Root, name, mode.FileMode(), uid, gid))
}

// Remove removes directories. One that is not empty stays, since what is in it isn't
// ours.
func (v DirectoryVerbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error {
		err := atomic.RemoveDirectory(v.Root, name)
		if errors.Is(err, unix.ENOTEMPTY) {
			return nil
		}
		return err
	})
}

// Tidy removes what a killed run left beside the directory.
func (v DirectoryVerbs) Tidy(name string, _ Directory) error { return atomic.Tidy(v.Root, name) }
