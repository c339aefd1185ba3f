package file

import (
	"context"
	"errors"
	"fmt"
	"os"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

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
