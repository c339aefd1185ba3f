package aws

import (
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/vpn/aws/document"
)

// checkStrength names loudly what is weak, and where to change it.
func (v *VPN) checkStrength(c *check, d *document.Connection, both [2]tunnel) {
	var documented []tunnel
	var words []string
	for _, t := range both {
		weak := t.weak()
		switch {
		case len(weak) == 0:
		case t.chosen:
			c.Warn("tunnel."+t.Outside.String(), "leave ike and esp out for the strongest that the tunnel takes; "+remedy(d, &t.Tunnel), "the tunnel to %s is weak: %s", t.Outside, strings.Join(weak, "; "))
		default:
			documented = append(documented, t)
			for _, w := range weak {
				if !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
		}
	}
	if len(documented) > 0 {
		is := map[bool]string{false: "is", true: "are"}[len(documented) > 1]
		c.Warn("configuration", remedy(d, &documented[0].Tunnel), "%s %s weak: %s", called(documented), is, strings.Join(words, "; "))
	}
}

// weak says what is weak in what a tunnel is offered.
func (t *tunnel) weak() []string {
	var all []string
	for _, list := range []struct {
		use   proposal.Use
		texts []string
	}{{proposal.IKE, t.ike}, {proposal.ESP, t.esp}} {
		for _, text := range list.texts {
			p, _ := proposal.Parse(list.use, text) // what can't be read was told, and is not weak
			for _, w := range p.Weak() {
				why, _, _ := strings.Cut(w.Why, "; ")
				if why = w.Word + " " + why; !slices.Contains(all, why) {
					all = append(all, why)
				}
			}
		}
	}
	if version(&t.Tunnel) == 1 {
		all = append(all, "version 1 of IKE was given up by its makers in 2023 (RFC 9395)")
	}
	return all
}
