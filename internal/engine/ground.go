package engine

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// An undo brings back what its apply has changed. What that stands on the apply
// left alone, so that no snapshot holds it, and it may have gone since: the directory
// of a file, the CA of a list. Directories on record come back with what was in them.
// What stands on anything else that is gone is left out: no try would ever bring it
// back, and an undo that fails for ever keeps people from everything else.

// ground returns the directories on record that things come back into and that are
// gone. One stays gone where a key is lost with it that others hold the other half
// of: it would be in the way of the old one.
func (e *Engine) ground(ctx context.Context, back, leaving []*item) ([]*item, error) {
	known := make(map[resource.ID]bool)
	for _, it := range slices.Concat(back, leaving) {
		known[it.ID] = true
	}
	into := parents(back)
	directories, err := e.gone(ctx, func(id resource.ID) bool { return into[id.Name] && !known[id] })
	if err != nil || len(directories) == 0 {
		return nil, err
	}
	in := func(id resource.ID) func(*item) bool {
		return func(dir *item) bool { return strings.HasPrefix(id.Name, dir.ID.Name+"/") }
	}
	others, err := e.gone(ctx, func(id resource.ID) bool { return !known[id] && slices.ContainsFunc(directories, in(id)) })
	if err != nil {
		return nil, err
	}
	for _, it := range others {
		if it.kind.Invalidates(nil, it.Want) != "" {
			directories = slices.DeleteFunc(directories, in(it.ID))
		}
	}
	return directories, normalize(ctx, directories)
}

// parents are the directories, and those above them, that the items are in.
func parents(items []*item) map[string]bool {
	dirs := make(map[string]bool)
	for _, it := range items {
		for dir := path.Dir(it.ID.Name); it.kind.Path && dir != path.Dir(dir); dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// gone returns what of the paths on record is not there, as it was applied last.
func (e *Engine) gone(ctx context.Context, which func(resource.ID) bool) ([]*item, error) {
	var found []resource.Resource
	for _, r := range e.Store.Records() {
		k, ok := e.Catalog.Kind(r.ID.Kind)
		if !ok || !k.Path || !which(r.ID) {
			continue
		}
		want := k.New()
		if r.Want.Tell(want) == nil {
			found = append(found, resource.Resource{ID: r.ID, Want: want, Owners: r.Owners, After: r.After, Triggers: r.Triggers})
		}
	}
	items, err := e.wishes(found)
	if err != nil {
		return nil, err
	}
	observe(ctx, items)
	gone, _ := partition(items, func(it *item) bool { return it.got == nil && it.err == nil })
	return gone, nil
}

// leaveOut takes out of an undo what can't come back, since what it stands on is
// gone and does not come back either, and says so.
func (p *Plan) leaveOut(ctx context.Context) {
	out := make(map[resource.ID]bool)
	for more := true; more; {
		more = false
		ahead := p.prospect()
		ahead.Step, ahead.Undo = len(p.Changes), true // in the order of an undo, directories come first
		p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool {
			if out[c.Because] && c.Action == Refresh {
				return true
			}
			if c.Action != Create && c.Action != Update || !c.item.kind.Path {
				return false
			}
			all := resource.Each(c.item.kind.Preflight(ctx, c.ID.Name, c.item.Want, ahead))
			err := errors.Join(slices.DeleteFunc(all, doubtful)...)
			if err == nil {
				return false
			}
			more, out[c.ID], c.item.changes = true, true, false
			p.Notes = append(p.Notes, Note{ID: c.ID, Text: fmt.Sprintf("left out of the undo, since it can't be brought back: %v", err), Stays: true})
			return true
		})
	}
}

// doubtful says whether an objection stops nobody.
func doubtful(err error) bool {
	var m *resource.Mistake
	return errors.As(err, &m) && m.Warning
}
