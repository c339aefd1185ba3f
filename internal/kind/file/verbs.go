package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// maxSize is how much a managed file may hold, in bytes. All of it is kept in
// memory, and in the state while vpnd has taken it over.
const maxSize = 64 << 20

// FileVerbs are the verbs of the kind file.
type FileVerbs = verbs[File, *File]

// SecretFileVerbs are the verbs of the kind secret_file.
type SecretFileVerbs = verbs[SecretFile, *SecretFile]

// verbs are those of files, secret or not.
type verbs[T any, P shape[T]] struct {
	Root       string               // "/" for the host itself
	Validators map[string]Validator // those that vpnd has built in, by the first word of validate
	Timeout    time.Duration        // how long a validate command may take; 0 means 30 seconds
}

// Observe looks at one file. A symbolic link in its place is told as one, with
// no content; a folder or a device there is an error.
func (v verbs[T, P]) Observe(_ context.Context, name string) (*T, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	return v.observe(names, name)
}

// ObserveAll looks at many files and reads the accounts of the host once.
func (v verbs[T, P]) ObserveAll(ctx context.Context, paths []string) (map[string]*T, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]*T, len(paths))
	var errs []error
	for _, name := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, err := v.observe(names, name)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
		} else if got != nil {
			seen[name] = got
		}
	}
	return seen, errors.Join(errs...)
}

func (v verbs[T, P]) observe(names *atomic.Names, name string) (*T, error) {
	info, data, err := atomic.Look(v.Root, name, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case info.Mode.IsDir():
		return nil, errors.New("a folder stands where the file shall be; move it away or choose another path")
	case !info.Mode.IsRegular() && info.Mode&fs.ModeSymlink == 0:
		return nil, errors.New("a device, socket or pipe stands where the file shall be; remove it or choose another path")
	}
	got := P(new(T))
	got.set(plain{
		content: resource.Ptr(string(data)),
		mode:    resource.Ptr(resource.ModeOf(info.Mode)),
		owner:   resource.Ptr(names.User(info.UID)),
		group:   resource.Ptr(names.Group(info.GID)),
		link:    resource.Ptr(info.Links),
	})
	return got, nil
}

// Normalize reads the sources, and names owners and groups as the host will
// say them back. An account that isn't there yet is left as it is: a package
// that is still to be installed may bring it.
func (v verbs[T, P]) Normalize(_ context.Context, wants map[string]*T) (map[string]*T, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*T, len(wants))
	var errs []error
	for name, want := range wants {
		p, err := v.normalize(names, P(want).plain())
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		n := P(new(T))
		n.set(p)
		normal[name] = n
	}
	return normal, errors.Join(errs...)
}

func (v verbs[T, P]) normalize(names *atomic.Names, p plain) (plain, error) {
	if err := v.knows(p.validate); err != nil {
		return p, err
	}
	if p.content == nil && p.source != nil {
		data, err := readSource(*p.source)
		if err != nil {
			return p, fmt.Errorf("reading the source: %w", err)
		}
		p.content = resource.Ptr(string(data))
	}
	if p.link == nil {
		p.link = resource.Ptr("")
	}
	p.owner, p.group = userOf(names, p.owner), groupOf(names, p.group)
	return p, nil
}

// readSource reads a file of the configuration, which may be a link.
func readSource(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	if info.Size() > maxSize {
		return nil, fmt.Errorf("%s is larger than %d MiB, more than a file may hold here", name, maxSize>>20)
	}
	return os.ReadFile(name)
}

func userOf(names *atomic.Names, owner *string) *string {
	if owner == nil {
		return nil
	}
	if uid, err := names.UID(*owner); err == nil {
		return resource.Ptr(names.User(uid))
	}
	return owner
}

func groupOf(names *atomic.Names, group *string) *string {
	if group == nil {
		return nil
	}
	if gid, err := names.GID(*group); err == nil {
		return resource.Ptr(names.Group(gid))
	}
	return group
}

// Apply puts one file in place.
func (v verbs[T, P]) Apply(ctx context.Context, name string, got *T, want T) error {
	err := v.ApplyAll(ctx, []resource.Item[T]{{Name: name, Got: got, Want: want}})
	named, general := resource.Split(err)
	return errors.Join(named[name], general)
}

// ApplyAll puts many files in place with one flush to disk. Those that can't
// be are reported, and the others are put in place without them.
func (v verbs[T, P]) ApplyAll(ctx context.Context, items []resource.Item[T]) error {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return err
	}
	var files []atomic.File
	var errs []error
	for _, item := range items {
		f, err := v.apply(ctx, names, item)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: hint(item.Name, err)})
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
	for _, err := range unjoin(atomic.WriteAll(v.Root, files)) {
		var one *atomic.Error
		if errors.As(err, &one) {
			err = &resource.NameError{Name: one.Path, Err: hint(one.Path, one.Err)}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
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

// hint adds the way out where the folder is missing.
func hint(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		dir := path.Dir(name)
		return fmt.Errorf("the folder %s does not exist; declare directory %q", dir, dir)
	}
	return err
}

// Remove removes the file.
func (v verbs[T, P]) Remove(_ context.Context, name string) error {
	return atomic.Remove(v.Root, name)
}

// Marked says whether the first line names vpnd, as in all that it generates.
func (v verbs[T, P]) Marked(_ string, got *T) bool {
	first, _, _ := strings.Cut(*P(got).plain().content, "\n")
	return strings.Contains(first, "Made by vpnd for ")
}
