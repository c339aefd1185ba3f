package compile

import (
	"context"
	"slices"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
)

// made is what a block stands for, or why it stands for nothing.
type made struct {
	resources []resource.Resource
	err       error
}

// expanded has each block say what it stands for: a composite is a function of its
// block alone, so that all processors work at that.
func (c *compiler) expanded() []made {
	all := make([]made, len(c.order))
	hands.Each(context.Background(), len(c.order), func(i int) {
		switch b := c.order[i]; e := b.Shape.(type) {
		case resource.Expander:
			if !b.Failed {
				all[i].resources, all[i].err = e.Expand(b.ID.Name)
			}
		default: // a kind's block is its own resource
			all[i].resources = []resource.Resource{{ID: b.ID, Want: b.Shape}}
		}
	})
	return all
}

// expand makes the resources of a block its own.
func (c *compiler) expand(b *block, made made) {
	if b.Failed {
		return
	}
	if made.err != nil {
		b.Failed = true
		c.told.Error(b.Range, "Unsuitable block", "%s: %s.", b.ID, made.err)
	}
	for _, r := range made.resources {
		for i := range r.Requires {
			r.Requires[i].Owner = b.owner()
		}
		if first, ok := c.wishes[r.ID]; ok {
			c.merge(first, r, b)
			continue
		}
		b.owned = append(b.owned, r.ID)
		r.Owners = []resource.Owner{b.owner()}
		w := &wish{Resource: r, blocks: []*block{b}}
		c.wishes[r.ID] = w
		c.checkPath(w)
	}
}

// desired returns all wishes, each with what comes before it.
func (c *compiler) desired() resource.Desired {
	var desired resource.Desired
	for _, w := range c.wishes {
		slices.SortFunc(w.After, resource.ID.Compare)
		w.After = slices.Compact(w.After)
		if s, ok := w.Want.(resource.Successor); ok {
			s.ComesAfter(w.ID.Name, c.before(w.Resource), c.catalog.Traits)
		}
		desired.Present = append(desired.Present, w.Resource)
	}
	slices.SortFunc(desired.Present, func(a, b resource.Resource) int { return a.ID.Compare(b.ID) })
	return desired
}

// before returns what comes before a resource, blocks taken apart.
func (c *compiler) before(r resource.Resource) []resource.ID {
	var ids []resource.ID
	for _, id := range r.After {
		if b := c.blocks[id]; b != nil {
			ids = append(ids, b.owned...)
		} else {
			ids = append(ids, id)
		}
	}
	return ids
}
