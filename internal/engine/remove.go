package engine

import (
	"context"
	"errors"

	"vpnd/internal/resource"
)

// remove takes a batch away.
func (r *run) remove(ctx context.Context, batch []Change) {
	names := make([]string, len(batch))
	for i, c := range batch {
		r.note(ctx, c)
		names[i] = c.ID.Name
	}
	announced, err := r.announce(batch)
	if err != nil {
		r.all(batch, err)
		return
	}
	var named map[string]error
	var general error
	r.beside(batch, func() { named, general = resource.Split(batch[0].item.kind.Remove(ctx, names...)) })
	failed := make(map[resource.ID]error)
	for _, c := range batch {
		err := errors.Join(named[c.ID.Name], general)
		if err == nil {
			err = r.finished(c)
		} else {
			failed[c.ID] = err
		}
		r.done(c, err, false)
	}
	r.withdraw(ctx, announced, failed)
	r.report.Err = errors.Join(r.report.Err, r.flush())
}
