package config

import (
	"maps"
	"slices"

	"vpnd/internal/resource"
)

// review reports what is wrong between blocks that are each right.
func (l *loader) review() {
	if l.catalog.Review == nil {
		return
	}
	var whole []resource.Block
	for _, b := range l.order {
		if !b.failed {
			whole = append(whole, resource.Block{ID: b.id, Shape: b.shape})
		}
	}
	for _, f := range l.catalog.Review(whole) {
		b := l.blocks[f.Block]
		l.reportMistakes([]resource.Mistake{f.Mistake}, b.at, b.rng, b.id.String())
	}
}

// checkNames reports things of the host that two wishes call by different names,
// and want differently.
func (l *loader) checkNames(wishes map[resource.ID]*wish) {
	for _, id := range slices.SortedFunc(maps.Keys(wishes), resource.ID.Compare) {
		w := wishes[id]
		a, ok := w.Want.(resource.Aliased)
		if !ok {
			continue
		}
		for _, name := range a.Aliases(id.Name) {
			other := wishes[resource.ID{Kind: id.Kind, Name: name}]
			if other == nil || other.ID.Compare(id) > 0 && hasAlias(other, id.Name) || !a.Contradicts(id.Name, name, other.Want) {
				continue
			}
			mine, first := w.blocks[0], other.blocks[0]
			later, earlier := inOrder(mine.rng, first.rng)
			l.errorAt(later, "Conflict between two blocks", "%s of %s and %s of %s are one switch of the kernel under two names, and can't have both values (the other is at %s). Take one of them out.",
				id, mine.id, other.ID, first.id, where(earlier))
		}
	}
}

func hasAlias(w *wish, name string) bool {
	a, ok := w.Want.(resource.Aliased)
	return ok && slices.Contains(a.Aliases(w.ID.Name), name)
}
