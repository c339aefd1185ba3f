package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"vpnd/internal/resource"
)

// stage has a block find out how far it has come on the host, unless nothing is done with
// what is read. It says whether that is known.
func (e *evaluator) stage(b *block) bool {
	s, stages := b.decl.Shape.(resource.Stager)
	if !stages || e.env.Advise {
		return true
	}
	if err := s.Stage(b.id.Name, e.env.Catalog.Site(context.Background())); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w; only root can look at all that a host has; run vpnd as root", err)
		}
		e.told.Error(b.Range, "Unknown state of the host", "%s: %s.", b.id, err)
		return false
	}
	return true
}
