package engine

import (
	"context"
	"errors"
	"slices"

	"vpnd/internal/resource"
)

// remove takes a batch away.
func (r *run) remove(ctx context.Context, batch []Change) {
	for _, c := range batch {
		r.note(ctx, c)
	}
	announced, err := r.announce(batch)
	if err != nil {
		r.all(batch, err)
		return
	}
	failed := make(map[resource.ID]error)
	for _, part := range inOneGo(batch) {
		r.removeTogether(ctx, batch, part, failed)
	}
	r.withdraw(ctx, announced, failed)
	r.report.Err = errors.Join(r.report.Err, r.flush())
}

// inOneGo divides a batch into what one call of its kind takes away.
func inOneGo(batch []Change) [][]Change {
	if batch[0].item.kind.Bulk {
		return [][]Change{batch}
	}
	return slices.Collect(slices.Chunk(batch, 1))
}

func (r *run) removeTogether(ctx context.Context, batch, part []Change, failed map[resource.ID]error) {
	names := make([]string, len(part))
	for i, c := range part {
		names[i] = c.ID.Name
	}
	var named map[string]error
	var general error
	r.beside(batch, func() { named, general = resource.Split(part[0].item.kind.Remove(ctx, names...)) })
	for _, c := range part {
		err := errors.Join(named[c.ID.Name], general)
		if err == nil {
			err = r.finished(c)
		} else {
			failed[c.ID] = err
		}
		r.done(c, err, false)
	}
}
