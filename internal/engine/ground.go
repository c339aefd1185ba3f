package engine

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// An undo brings back what its apply has changed. What that stands on the apply
// left alone, so that no snapshot holds it, and it may have gone since: the folder
// of a file, the CA of a list. Folders on record come back with what was in them.
// What stands on anything else that is gone is left out: no try would ever bring it
// back, and an undo that fails for ever keeps people from everything else.

// ground returns the folders on record that things come back into and that are
// gone. One stays gone where a key is lost with it that others hold the other half
// of: it would be in the way of the old one.
func (e *Engine) ground(ctx context.Context, back, leaving []*item) ([]*item, error) {
	into := parents(back)
	known := make(map[resource.ID]bool)
	for _, it := range slices.Concat(back, leaving) {
		known[it.ID] = true
	}
	items, err := e.onPaths(func(id resource.ID, halves bool) bool { return !known[id] && (into[id.Name] || halves) })
	if err != nil {
		return nil, err
	}
	observe(ctx, items)
	gone, _ := partition(items, func(it *item) bool { return it.got == nil && it.err == nil })
	folders, lost := partition(gone, func(it *item) bool { return into[it.ID.Name] })
	folders = slices.DeleteFunc(folders, func(dir *item) bool {
		return slices.ContainsFunc(lost, func(it *item) bool { return strings.HasPrefix(it.ID.Name, dir.ID.Name+"/") })
	})
	return folders, normalize(ctx, folders)
}

// parents are the folders, and those above them, that the items are in.
func parents(items []*item) map[string]bool {
	dirs := make(map[string]bool)
	for _, it := range items {
		for dir := path.Dir(it.ID.Name); it.kind.Path && dir != path.Dir(dir); dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// onPaths returns what is on record of the kinds that name paths, as it was
// applied last. halves is whether others hold the other half of it.
func (e *Engine) onPaths(wanted func(id resource.ID, halves bool) bool) ([]*item, error) {
	var found []resource.Resource
	for _, r := range e.Store.Records() {
		k, ok := e.Catalog.Kind(r.ID.Kind)
		if !ok || !k.Path {
			continue
		}
		want := k.New()
		if r.Want.Tell(want) == nil && wanted(r.ID, k.Voids(nil, want) != "") {
			found = append(found, resource.Resource{ID: r.ID, Want: want, Owners: r.Owners, After: r.After, Triggers: r.Triggers})
		}
	}
	return e.wishes(found)
}

// leaveOut takes out of an undo what can't come back, since what it stands on is
// gone and does not come back either, and says so.
func (p *Plan) leaveOut(ctx context.Context) {
	out := make(map[resource.ID]bool)
	for more := true; more; {
		more = false
		ahead := p.prospect()
		p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool {
			if out[c.Because] && c.Action == Refresh {
				return true
			}
			if c.Action != Create && c.Action != Update || !c.item.kind.Path {
				return false
			}
			err := c.item.kind.Preflight(ctx, c.ID.Name, c.item.Want, ahead)
			if err == nil {
				return false
			}
			more, out[c.ID], c.item.changes = true, true, false
			p.Notes = append(p.Notes, Note{ID: c.ID, Text: fmt.Sprintf("left out of the undo, since it can't be brought back: %v", err)})
			return true
		})
	}
}
