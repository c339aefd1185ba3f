package compile

import (
	"path"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// checkWritten reports files that a program writes as root where others could
// have it write elsewhere, and those that are something else's.
func (c *compiler) checkWritten() {
	var taken []claim
	for _, b := range c.order {
		writer, ok := b.Shape.(resource.Writer)
		if !ok || b.Failed {
			continue
		}
		for _, one := range writer.Writes() {
			mine := claim{Claim: one, block: b, at: b.At.Find(one.Path, b.Range)}
			mine.Value = path.Clean(one.Value)
			c.checkPlace(mine, c.paths[mine.Value])
			for _, other := range taken {
				if other.Value == mine.Value {
					c.told.Error(mine.at, "Conflict between two attributes", "%s of %s and %s of %s (%s) are both written to %s. Give one of them another file.",
						mine.Path, mine.block.ID, other.Path, other.block.ID, diag.Where(other.at), mine.Value)
				}
			}
			taken = append(taken, mine)
		}
	}
}

// checkPlace reports what is wrong with the place of one file.
func (c *compiler) checkPlace(mine claim, managed *wish) {
	if managed != nil {
		c.told.Error(mine.at, "Conflict between two blocks", "%s of %s would be written over %s (%s). Give it another file.",
			mine.Path, mine.block.ID, managed.of(), diag.Where(managed.blocks[0].Range))
		return
	}
	if c.Own != nil {
		if own := c.Own(mine.Value); own != "" {
			c.told.Error(mine.at, "A path of vpnd's own", "%s would be written in the place of %s. Give it another file.", mine.Path, own)
			return
		}
	}
	if c.Place == nil {
		return
	}
	if err := c.Place(mine.Value); err != nil {
		c.told.Error(mine.at, "Others could have this written elsewhere", "%s", diag.Sentence(err))
	}
}
