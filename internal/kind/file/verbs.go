package file

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// maxSize is how much a managed file may hold, in bytes. All of it is kept in
// memory, and in the state while vpnd has taken it over.
const maxSize = 64 << 20

// Traits are what files are.
var Traits = resource.Traits{Path: true}

// FileVerbs are the verbs of the kind file.
type FileVerbs = verbs[File, *File]

// SecretFileVerbs are the verbs of the kind secret_file.
type SecretFileVerbs = verbs[SecretFile, *SecretFile]

// verbs are those of files, secret or not.
type verbs[T any, P shape[T]] struct {
	Root       string               // "/" for the host itself
	Validators map[string]Validator // those that vpnd has built in, by the first word of validate
	Early      map[string]Validator // those of them that can judge a text before what it names is there
	Timeout    time.Duration        // how long a validate command may take; 0 means 30 seconds
	Shared     *notice.Shared       // with other watchers; nil is nothing, and nobody is named
}

// Observe looks at files, and reads the accounts of the host once. A symbolic link
// in the place of one is told as a link, with no content; a directory or a device
// there is an error.
func (v verbs[T, P]) Observe(ctx context.Context, wants map[string]*T) (map[string]*T, error) {
	names, err := atomic.ReadNames(v.Root)
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *T) (*T, error) { return v.observe(names, name) })
}

// Since returns when the file was last changed.
func (v verbs[T, P]) Since(_ context.Context, name string) (time.Time, error) {
	info, err := atomic.Stat(v.Root, name)
	return info.Changed, err
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
		return nil, errors.New("a directory stands where the file shall be; move it away or choose another path")
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

// Remove removes files.
func (v verbs[T, P]) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, v.remove)
}

// remove removes the file.
func (v verbs[T, P]) remove(name string) error {
	return atomic.Remove(v.Root, name)
}

// Marked says whether the first line names vpnd, as in all that it generates.
func (v verbs[T, P]) Marked(_ string, got *T) bool {
	first, _, _ := strings.Cut(*P(got).plain().content, "\n")
	return strings.Contains(first, "Made by vpnd for ")
}

// Tidy removes what a killed writer left beside the file.
func (v verbs[T, P]) Tidy(name string, _ T) error { return atomic.Tidy(v.Root, name) }
