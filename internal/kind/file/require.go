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

// Preflight wants the accounts of a file to be known, and the directory that it
// shall stand in to be there.
func (v verbs[T, P]) Preflight(_ context.Context, name string, want T, plan resource.Prospect) error {
	p := P(&want).plain()
	return preflight(v.Root, name, p.owner, p.group, plan)
}

// Preflight wants the accounts of a directory to be known, and the one that it
// shall stand in to be there.
func (v DirectoryVerbs) Preflight(_ context.Context, name string, want Directory, plan resource.Prospect) error {
	return preflight(v.Root, name, want.Owner, want.Group, plan)
}

// preflight takes what a package may bring for brought.
func preflight(root, name string, owner, group *string, plan resource.Prospect) error {
	if plan.Any("package") {
		return nil
	}
	names, err := atomic.ReadNames(root)
	if err != nil {
		return err
	}
	if _, _, err := account(names, owner, group); err != nil {
		return err
	}
	dir := path.Dir(name)
	switch info, err := atomic.Stat(root, dir); {
	case !there(root, dir, plan):
		return hint(&atomic.NoFolderError{Path: dir})
	case err == nil && !info.Mode.IsDir() && info.Mode&fs.ModeSymlink == 0 && !plan.Comes("directory", dir):
		return fmt.Errorf("%s is no folder, so nothing can be in it; choose another path", dir)
	}
	return nil
}

// home is below where vpnd keeps keys and profiles; it makes that itself.
const home = "/var/lib/vpnd"

// there says whether a directory is there, or made by the plan.
func there(root, dir string, plan resource.Prospect) bool {
	if dir == home || plan.Comes("directory", dir) {
		return true
	}
	_, err := atomic.Stat(root, dir)
	return !errors.Is(err, fs.ErrNotExist)
}

// Into wants the directory of a file to be there that another program writes.
func Into(name string, plan resource.Prospect) *resource.Mistake {
	if dir := path.Dir(name); !plan.Any("package") && !there("/", dir, plan) {
		return &resource.Mistake{Summary: fmt.Sprintf("there is no directory %s", dir), Hint: fmt.Sprintf("make it with a block directory %q, or choose another path", dir)}
	}
	return nil
}

// There wants a file to be there that another program reads or runs, through
// links, unless the plan makes it. What has no path the program looks for itself.
func There(name string, plan resource.Prospect) *resource.Mistake {
	if !path.IsAbs(name) || plan.Any("package") || plan.Comes("file", name) || plan.Comes("secret_file", name) || plan.Comes("directory", name) {
		return nil
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &resource.Mistake{Summary: fmt.Sprintf("there is no %s", name), Hint: fmt.Sprintf("make it first, with a block file %q or otherwise", name)}
}

// User wants a user to be known.
func User(name string, plan resource.Prospect) *resource.Mistake {
	return known("user", name, (*atomic.Names).UID, plan)
}

// Group wants a group to be known.
func Group(name string, plan resource.Prospect) *resource.Mistake {
	return known("group", name, (*atomic.Names).GID, plan)
}

func known(what, name string, number func(*atomic.Names, string) (int, error), plan resource.Prospect) *resource.Mistake {
	names, err := atomic.ReadNames("/")
	if err == nil {
		_, err = number(names, name)
	}
	if err == nil || plan.Any("package") {
		return nil
	}
	hint := "create it first, or name one that getent passwd lists"
	if what == "group" {
		hint = "create it first, or name one that getent group lists, such as nogroup on Debian or nobody on Fedora and its kin"
	}
	return &resource.Mistake{Summary: fmt.Sprintf("this host has no %s %q", what, name), Hint: hint}
}
