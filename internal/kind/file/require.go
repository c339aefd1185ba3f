package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Preflight wants the accounts of a file to be known, the directory that it shall
// stand in to be there, and its content to be taken by the command that validates it.
func (v verbs[T, P]) Preflight(ctx context.Context, name string, want T, plan resource.Prospect) error {
	p := P(&want).plain()
	if err := preflight(v.Root, name, p.owner, p.group, plan); err != nil {
		return err
	}
	return v.rehearse(ctx, name, p, plan).Err()
}

// Preflight wants the accounts of a directory to be known, and the one that it
// shall stand in to be there.
func (v DirectoryVerbs) Preflight(_ context.Context, name string, want Directory, plan resource.Prospect) error {
	return preflight(v.Root, name, want.Owner, want.Group, plan)
}

func preflight(root, name string, owner, group *string, plan resource.Prospect) error {
	return errors.Join(
		known(root, resource.User, "owner", owner, plan),
		known(root, resource.Group, "group", group, plan),
		within(root, path.Dir(name), plan),
	)
}

// within wants a directory to be there.
func within(root, dir string, plan resource.Prospect) error {
	m := resource.Mistake{Summary: (&atomic.NoDirectoryError{Path: dir}).Error(), Hint: declare(dir)}
	info, err := atomic.Stat(root, dir)
	switch missing := there(root, dir, m, plan).Err(); {
	case missing != nil:
		return missing
	case err == nil && !info.Mode.IsDir() && info.Mode&fs.ModeSymlink == 0 && !plan.Comes("directory", dir):
		return fmt.Errorf("%s is no directory, so nothing can be in it; choose another path", dir)
	}
	return nil
}

// home is below where vpnd keeps keys and profiles; it makes that itself.
const home = "/var/lib/vpnd"

// there wants a directory to be there, or to be made by the plan; m is what is to be
// said where it is not.
func there(root, dir string, m resource.Mistake, plan resource.Prospect) *resource.Mistake {
	if _, err := atomic.Stat(root, dir); dir == home || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return plan.Lacking(m, resource.ID{Kind: "directory", Name: dir})
}

// Into wants the directory of a file to be there that another program writes.
func Into(name string, plan resource.Prospect) *resource.Mistake {
	dir := path.Dir(name)
	m := resource.Mistake{Summary: "there is no directory " + dir, Hint: fmt.Sprintf("make it with a block directory %q, or choose another path", dir)}
	return there("/", dir, m, plan)
}

// There wants a file to be there that another program reads or runs, through
// links, unless the plan makes it. What has no path the program looks for itself.
func There(name string, plan resource.Prospect) *resource.Mistake {
	if !path.IsAbs(name) {
		return nil
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m := resource.Mistake{Summary: fmt.Sprintf("there is no %s", name), Hint: fmt.Sprintf("make it first, with a block file %q or otherwise", name)}
	return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: name})
}

// User wants a user to be known.
func User(name string, plan resource.Prospect) *resource.Mistake {
	return mistake(known("/", resource.User, "", &name, plan))
}

// Group wants a group to be known.
func Group(name string, plan resource.Prospect) *resource.Mistake {
	return mistake(known("/", resource.Group, "", &name, plan))
}

// mistake returns what is wrong with an account; what can't be read is no
// objection.
func mistake(err error) *resource.Mistake {
	var m *resource.Mistake
	errors.As(err, &m)
	return m
}

// known wants an account to be known, if one is named.
func known(root, what, attribute string, name *string, plan resource.Prospect) error {
	if name == nil {
		return nil
	}
	names, err := atomic.ReadNames(root)
	if err != nil {
		return err
	}
	m := resource.Mistake{Path: attribute, Summary: fmt.Sprintf("this host has no %s %q", what, *name)}
	number := names.UID
	m.Hint = "create it first, or name one that getent passwd lists"
	if what == resource.Group {
		number = names.GID
		m.Hint = "create it first, or name one that getent group lists, such as nogroup on Debian or nobody on Fedora and its kin"
	}
	if _, err := number(*name); err == nil {
		return nil
	}
	return plan.Lacking(m, resource.ID{Kind: what, Name: *name}).Err()
}
