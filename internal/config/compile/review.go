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
			mine, first := w, other
			if later, _ := diag.InOrder(mine.blocks[0].Range, first.blocks[0].Range); later != mine.blocks[0].Range {
				mine, first = first, mine
			}
			c.told.Error(mine.blocks[0].Range, "Conflict between two blocks", "%s and %s are one switch of the kernel under two names, and can't have both values (the other is at %s). Take one of them out.",
				mine.of(), first.of(), diag.Where(first.blocks[0].Range))
		}
	}
}

func hasAlias(w *wish, name string) bool {
	a, ok := w.Want.(resource.Aliased)
	return ok && slices.Contains(a.Aliases(w.ID.Name), name)
}
