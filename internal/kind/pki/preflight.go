package pki

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

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
