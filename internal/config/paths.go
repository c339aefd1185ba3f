package config

// checkPath reports a path that is wished for as things of two kinds. Of two
// blocks and one kind, merge tells.
func (l *loader) checkPath(mine *wish, taken map[string]*wish) {
	if !l.catalog.Traits(mine.ID.Kind).Path {
		return
	}
	first, ok := taken[mine.ID.Name]
	if !ok {
		taken[mine.ID.Name] = mine
		return
	}
	block, other := mine.blocks[0], first.blocks[0]
	l.errorAt(block.rng, "Conflict between two blocks", "%s is wanted as %s here, and as %s by %s (%s), but a path has room for one thing. Take it out of one of them, or give it another path.",
		mine.ID.Name, mine.ID.Kind, first.ID.Kind, other.id, where(other.rng))
}
