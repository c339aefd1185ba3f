package across

import (
	"fmt"
	"slices"

	kindipsec "vpnd/internal/kind/ipsec"
	"vpnd/internal/resource"
)

// A keyed block has charon look for its pre-shared key by the id of one side.
type keyed struct {
	id    resource.ID
	owner string
	psk   *resource.Secret
	file  *string
}

// secrets wants charon to know which key is meant: it tries all that it has for an id,
// whichever connection they are of.
func (r *review) secrets(blocks []resource.Block) {
	var before []keyed
	for _, s := range r.sites {
		if i := s.shape.Identity(); s.shape.Certificate == nil && !i.Anybody() {
			before = append(before, keyed{s.id, i.Remote, s.shape.PSK, s.shape.PSKFile})
		}
	}
	for _, c := range of[kindipsec.Connection](blocks) {
		owner := c.shape.Owner()
		if owner == "" || c.shape.PSK == nil && c.shape.PSKFile == nil {
			continue
		}
		now := keyed{c.id, owner, c.shape.PSK, c.shape.PSKFile}
		i := slices.IndexFunc(before, func(b keyed) bool {
			return b.owner == now.owner && !(resource.Equal(b.psk, now.psk) && resource.Equal(b.file, now.file))
		})
		if i >= 0 {
			r.add(c.id, resource.Mistake{
				Path: "psk", Summary: fmt.Sprintf("%s has another secret for the same id, %s, so that charon may try the wrong one", before[i].id, owner),
				Hint: "give the other side an id of its own in one of them, or both the same secret",
			})
		}
		before = append(before, now)
	}
}
