package status

import (
	"cmp"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// mostExpiries is how many certificates the status lists, those that run out
// first: a CA may have ten thousand.
const mostExpiries = 1000

// Certificates are what a plan saw that runs out: certificates, and tunnels whose own one
// does, which somebody else issued.
func Certificates(p *engine.Plan) []engine.Sight {
	all := p.Seen(resource.Certificates)
	for _, s := range p.Seen(resource.Tunnels) {
		if _, ok := expiryOf(s); ok {
			all = append(all, s)
		}
	}
	return all
}

// Expiring returns those that run out first, in that order: what was seen now and,
// of what was not observed, what was told before.
func Expiring(told []Expiry, seen []engine.Sight, observed func(resource.ID) bool) []Expiry {
	all := slices.DeleteFunc(slices.Clone(told), func(e Expiry) bool { return observed(e.ID) })
	for _, s := range seen {
		if e, ok := expiryOf(s); ok {
			all = append(all, e)
		}
	}
	resource.Sort(all, func(a, b Expiry) int { return cmp.Or(a.NotAfter.Compare(b.NotAfter), a.ID.Compare(b.ID)) })
	return all[:min(len(all), mostExpiries)]
}

func expiryOf(s engine.Sight) (Expiry, bool) {
	shape, ok := s.Got.(resource.Ender)
	if !ok {
		return Expiry{}, false
	}
	end := shape.Ends()
	return Expiry{ID: s.ID, Block: Block(s.ID, s.Owners), NotAfter: end.At, Fresh: end.Fresh}, !end.At.IsZero()
}
