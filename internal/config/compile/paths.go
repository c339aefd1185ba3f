package compile

import "vpnd/internal/config/diag"

// checkPath reports a path that is wished for as things of two kinds. Of two
// blocks and one kind, merge tells.
func (c *compiler) checkPath(mine *wish) {
	if !c.catalog.Traits(mine.ID.Kind).Path {
		return
	}
	first, ok := c.paths[mine.ID.Name]
	if !ok {
		c.paths[mine.ID.Name] = mine
		return
	}
	block, other := mine.blocks[0], first.blocks[0]
	c.told.Error(block.Range, "Conflict between two blocks", "%s is wanted as %s here, and as %s by %s (%s), but a path has room for one thing. Take it out of one of them, or give it another path.",
		mine.ID.Name, mine.ID.Kind, first.ID.Kind, other.ID, diag.Where(other.Range))
}
