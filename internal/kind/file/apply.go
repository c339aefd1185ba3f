package file

import (
	"context"
	"errors"
	"fmt"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Apply puts many files in place with one flush to disk. Those that can't
// be are reported, and the others are put in place without them.
func (v verbs[T, P]) Apply(ctx context.Context, items []resource.Item[T]) error {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return err
	}
	var files []atomic.File
	var errs []error
	for _, item := range items {
		f, err := v.apply(ctx, names, item)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: hint(err)})
		} else if f != nil {
			files = append(files, *f)
		}
	}
	err = v.write(files)
	if refused, _ := resource.Split(err); len(refused) > 0 {
		errs = append(errs, err)
		err = v.write(without(files, refused))
	}
	return errors.Join(append(errs, err)...)
}

// write puts all files in place or none, and names those that can't be.
func (v verbs[T, P]) write(files []atomic.File) error {
	if len(files) == 0 {
		return nil
	}
	var errs []error
	for _, err := range resource.Each(atomic.WriteAll(v.Root, files)) {
		var one *atomic.Error
		if errors.As(err, &one) {
			err = &resource.NameError{Name: one.Path, Err: hint(one.Err)}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func without(files []atomic.File, refused map[string]error) []atomic.File {
	var rest []atomic.File
	for _, f := range files {
		if refused[f.Path] == nil {
			rest = append(rest, f)
		}
	}
	return rest
}

// apply prepares a file to be written, or does at once what needs no writing.
func (v verbs[T, P]) apply(ctx context.Context, names *atomic.Names, item resource.Item[T]) (*atomic.File, error) {
	want, got := P(&item.Want).plain(), plain{}
	if item.Got != nil {
		got = P(item.Got).plain()
	}
	if got.link != nil && *got.link != "" {
		got = plain{} // nothing of a link is worth keeping
	}
	uid, gid, err := account(names, first(want.owner, got.owner), first(want.group, got.group))
	if err != nil {
		return nil, err
	}
	if want.link != nil && *want.link != "" {
		return nil, atomic.Symlink(v.Root, item.Name, *want.link, uid, gid)
	}
	mode := first(want.mode, got.mode)
	if mode == nil {
		mode = resource.Ptr(resource.Mode(0o600))
	}
	if want.content == nil && got.content != nil {
		return nil, atomic.Own(v.Root, item.Name, mode.FileMode(), uid, gid)
	}
	f := &atomic.File{Path: item.Name, Mode: mode.FileMode(), UID: uid, GID: gid}
	if want.content != nil {
		f.Data = []byte(*want.content)
	}
	if len(want.validate) > 0 {
		f.Accept = func(temporary string) error { return v.accept(ctx, want.validate, temporary) }
	}
	return f, nil
}

func first[V any](a, b *V) *V {
	if a != nil {
		return a
	}
	return b
}

// account looks up an owner and a group; one that is not managed stays as it
// is, which chown(2) writes as -1.
func account(names *atomic.Names, owner, group *string) (uid, gid int, err error) {
	uid, gid = -1, -1
	var errs [2]error
	if owner != nil {
		uid, errs[0] = names.UID(*owner)
	}
	if group != nil {
		gid, errs[1] = names.GID(*group)
	}
	return uid, gid, errors.Join(errs[:]...)
}

// hint adds the way out where the directory is missing.
func hint(err error) error {
	var missing *atomic.NoDirectoryError
	if errors.As(err, &missing) {
		return fmt.Errorf("%w; %s", missing, declare(missing.Path))
	}
	return err
}

// declare is the way out where a directory is missing.
func declare(dir string) string { return fmt.Sprintf("declare directory %q", dir) }
