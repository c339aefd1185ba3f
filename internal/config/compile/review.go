package compile

import (
	"maps"
	"slices"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// review reports what is wrong between blocks that are each right.
func (c *compiler) review() {
	if c.catalog.Review == nil {
		return
	}
	var whole []resource.Block
	for _, b := range c.order {
		if !b.Failed {
			whole = append(whole, resource.Block{ID: b.ID, Shape: b.Shape})
		}
	}
	for _, f := range c.catalog.Review(whole) {
		b := c.blocks[f.Block]
		c.told.Tell(diag.Mistake(f.Mistake, b.ID.String(), b.At.Find(f.Path, b.Range)))
	}
}

// checkNames reports things of the host that two wishes call by different names,
// and want differently.
func (c *compiler) checkNames() {
	for _, id := range slices.SortedFunc(maps.Keys(c.wishes), resource.ID.Compare) {
		w := c.wishes[id]
		a, ok := w.Want.(resource.Aliased)
		if !ok {
			continue
		}
		for _, name := range a.Aliases(id.Name) {
			other := c.wishes[resource.ID{Kind: id.Kind, Name: name}]
			if other == nil || other.ID.Compare(id) > 0 && hasAlias(other, id.Name) || !a.Contradicts(id.Name, name, other.Want) {
				continue
			}
			mine, first := w.blocks[0], other.blocks[0]
			later, earlier := diag.InOrder(mine.Range, first.Range)
			c.told.Error(later, "Conflict between two blocks", "%s and %s are one switch of the kernel under two names, and can't have both values (the other is at %s). Take one of them out.",
				w.of(), other.of(), diag.Where(earlier))
		}
	}
}

func hasAlias(w *wish, name string) bool {
	a, ok := w.Want.(resource.Aliased)
	return ok && slices.Contains(a.Aliases(w.ID.Name), name)
}
