package compile

import (
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// A claim is what one block needs for itself alone.
type claim struct {
	resource.Claim
	block *block
	at    hcl.Range
}

// checkClaims reports what two blocks want for themselves.
func (c *compiler) checkClaims() {
	var taken []claim
	for _, b := range c.order {
		claimer, ok := b.Shape.(resource.Claimer)
		if !ok || b.Failed {
			continue
		}
		for _, one := range claimer.Claims(b.ID.Name) {
			mine := claim{Claim: one, block: b, at: b.At.Find(one.Path, b.Range)}
			c.checkClaim(mine, taken)
			taken = append(taken, mine)
		}
	}
}

func (c *compiler) checkClaim(mine claim, taken []claim) {
	for _, other := range taken {
		if other.block == mine.block || other.Sort != mine.Sort || !clash(mine.Claim, other.Claim) {
			continue
		}
		if mine.Value == other.Value {
			c.told.Error(mine.at, "Conflict between two blocks", "%s and %s (%s) both want the %s %s for themselves. Give one of them another.", mine.block.ID, other.block.ID, diag.Where(other.at), mine.Sort, mine.Value)
		} else {
			c.told.Error(mine.at, "Conflict between two blocks", "The %s %s of %s overlaps with %s of %s (%s). Give one of them another.", mine.Sort, mine.Value, mine.block.ID, other.Value, other.block.ID, diag.Where(other.at))
		}
		return
	}
}

// clash says whether two claims of one sort can't both be met. A value that
// can't be read its own shape has complained of.
func clash(a, b resource.Claim) bool {
	switch a.Sort {
	case "network":
		one, err := netip.ParsePrefix(a.Value)
		two, err2 := netip.ParsePrefix(b.Value)
		return err == nil && err2 == nil && one.Overlaps(two)
	case "listener":
		protocol, address, port := listener(a.Value)
		protocol2, address2, port2 := listener(b.Value)
		everywhere := address == "" || address2 == ""
		return protocol == protocol2 && port == port2 && (everywhere || address == address2)
	default:
		return a.Value == b.Value
	}
}

// listener takes PROTOCOL/PORT or PROTOCOL/ADDRESS:PORT apart. Without an
// address it listens on all of them.
func listener(value string) (protocol, address, port string) {
	protocol, port, _ = strings.Cut(value, "/")
	if i := strings.LastIndex(port, ":"); i >= 0 {
		address, port = port[:i], port[i+1:]
	}
	return protocol, address, port
}
