package config

import (
	"slices"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// A wish is a resource before it is put in order.
type wish struct {
	resource.Resource
	blocks []*block // its owners
}

// expand makes resources of the blocks and brings together what several of
// them ask for.
func (l *loader) expand(s settings.Settings) resource.Desired {
	wishes := make(map[resource.ID]*wish)
	paths := make(map[string]*wish)
	for _, b := range l.order {
		if b.failed {
			continue
		}
		for _, r := range l.resources(b) {
			if first, ok := wishes[r.ID]; ok {
				l.merge(first, r, b)
				continue
			}
			b.owned = append(b.owned, r.ID)
			r.Owners = []resource.Owner{b.owner()}
			wishes[r.ID] = &wish{Resource: r, blocks: []*block{b}}
			l.checkPath(wishes[r.ID], paths)
		}
	}
	l.checkClaims()
	l.checkWritten(s, paths)
	l.checkNames(wishes)
	l.review()
	l.addTriggers(wishes)
	l.addSources(wishes)
	addOrder(wishes)
	l.addQueues(wishes)
	var desired resource.Desired
	for _, w := range wishes {
		slices.SortFunc(w.After, resource.ID.Compare)
		w.After = slices.Compact(w.After)
		if s, ok := w.Want.(resource.Successor); ok {
			s.ComesAfter(w.ID.Name, l.before(w.Resource))
		}
		desired.Present = append(desired.Present, w.Resource)
	}
	slices.SortFunc(desired.Present, func(a, b resource.Resource) int { return a.ID.Compare(b.ID) })
	return desired
}

// before returns what comes before a resource, blocks taken apart.
func (l *loader) before(r resource.Resource) []resource.ID {
	var ids []resource.ID
	for _, id := range r.After {
		if b := l.blocks[id]; b != nil {
			ids = append(ids, b.owned...)
		} else {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *block) owner() resource.Owner {
	return resource.Owner{Block: b.id, File: b.rng.Filename, Line: b.rng.Start.Line}
}

// resources returns what a block stands for: a kind's block is its own one.
func (l *loader) resources(b *block) []resource.Resource {
	e, composite := b.shape.(resource.Expander)
	if !composite {
		return []resource.Resource{{ID: b.id, Want: b.shape}}
	}
	resources, err := e.Expand(b.id.Name)
	if err != nil {
		b.failed = true
		l.errorAt(b.rng, "Unsuitable block", "%s: %s.", b.id, err)
	}
	for _, r := range resources {
		for i := range r.Requires {
			r.Requires[i].Owner = b.owner()
		}
	}
	return resources
}
