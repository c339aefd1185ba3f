package compile

import (
	"slices"

	"vpnd/internal/resource"
)

// expand makes the resources of a block.
func (c *compiler) expand(b *block) {
	if b.Failed {
		return
	}
	for _, r := range c.resources(b) {
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

// resources returns what a block stands for: a kind's block is its own one.
func (c *compiler) resources(b *block) []resource.Resource {
	e, composite := b.Shape.(resource.Expander)
	if !composite {
		return []resource.Resource{{ID: b.ID, Want: b.Shape}}
	}
	resources, err := e.Expand(b.ID.Name)
	if err != nil {
		b.Failed = true
		c.told.Error(b.Range, "Unsuitable block", "%s: %s.", b.ID, err)
	}
	for _, r := range resources {
		for i := range r.Requires {
			r.Requires[i].Owner = b.owner()
		}
	}
	return resources
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
