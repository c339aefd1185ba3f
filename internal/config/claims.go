package config

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// A claim is what one block needs for itself alone.
type claim struct {
	resource.Claim
	block *block
	at    hcl.Range
}

// checkClaims reports what two blocks want for themselves.
func (l *loader) checkClaims() {
	taken := make(map[[2]string]claim)
	var networks []claim
	for _, b := range l.order {
		claimer, ok := b.shape.(resource.Claimer)
		if !ok || b.failed {
			continue
		}
		for _, c := range claimer.Claims(b.id.Name) {
			mine := claim{Claim: c, block: b, at: b.at.find(c.Path, b.rng)}
			if c.Sort == "network" {
				l.checkNetwork(mine, networks)
				networks = append(networks, mine)
				continue
			}
			key := [2]string{c.Sort, c.Value}
			if other, ok := taken[key]; ok && other.block != b {
				l.errorAt(mine.at, "Conflict between two blocks", "%s and %s (%s) both want the %s %s for themselves. Give one of them another.", b.id, other.block.id, where(other.at), c.Sort, c.Value)
				continue
			}
			taken[key] = mine
		}
	}
}

func (l *loader) checkNetwork(mine claim, others []claim) {
	network, err := netip.ParsePrefix(mine.Value)
	if err != nil {
		return // its own shape has said so
	}
	for _, other := range others {
		if taken, err := netip.ParsePrefix(other.Value); err == nil && other.block != mine.block && taken.Overlaps(network) {
			l.errorAt(mine.at, "Conflict between two blocks", "The network %s of %s overlaps with %s of %s (%s). Give one of them another.", network, mine.block.id, taken, other.block.id, where(other.at))
		}
	}
}
