package pki

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Preflight wants the folder of a file to be there, and what it is made from.
func (v *verbs[T]) Preflight(_ context.Context, name string, want T, plan resource.Prospect) error {
	if dir := path.Dir(name); !v.there(dir, plan) {
		return &atomic.NoFolderError{Path: dir}
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
		if !h.there(file, plan) {
			return fmt.Errorf("it is made from %s, which does not exist; bring it back from a backup", file)
		}
	}
	return nil
}

// home is below where vpnd keeps keys and profiles; it makes that itself.
const home = "/var/lib/vpnd"

// there says whether something is at a path, or comes there with the plan. What a
// package may bring is taken for brought.
func (h Host) there(file string, plan resource.Prospect) bool {
	if file == home || plan.Any("package") {
		return true
	}
	for _, names := range plan.Coming {
		if slices.Contains(names, file) {
			return true
		}
	}
	_, err := atomic.Stat(h.Root, file)
	return !errors.Is(err, fs.ErrNotExist)
}
