package compile

import (
	"path"
)

// checkOwn reports whatever is wished for at a path that vpnd itself needs: who
// owns the state owns the host, and a configuration that writes itself is nobody's
// word.
func (c *compiler) checkOwn() {
	if c.Own == nil {
		return
	}
	for _, b := range c.order {
		for _, id := range b.owned {
			if c.catalog.Traits(id.Kind).Path && path.IsAbs(id.Name) {
				if own := c.Own(path.Clean(id.Name)); own != "" {
					c.told.Error(b.Range, "A path of vpnd's own", "%s would be in the place of %s. Give it another path.", id, own)
				}
			}
		}
	}
}
