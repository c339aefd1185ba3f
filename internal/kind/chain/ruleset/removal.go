package ruleset

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/chain/syntax"
)

// Claimed is an error where a chain of others leads to s.
func Claimed(s syntax.Spot, led []Reference) error {
	for _, r := range led {
		if !syntax.Builtin(s.Table, r.chain) && !syntax.Own(r.chain) {
			return fmt.Errorf("chain %s, which is not of vpnd, leads there; first run %s", r.chain, syntax.TakeAway(syntax.Spot{Family: s.Family, Table: s.Table, Chain: r.chain}, r.rule))
		}
	}
	return nil
}

// Removal returns the input of iptables-restore that takes chains of a table
// away: what leads there, then their rules, which may lead to one another, then
// they.
func Removal(table string, chains []syntax.Spot, led map[string][]Reference) string {
	going := make(map[string]bool, len(chains))
	for _, s := range chains {
		going[s.Chain] = true
	}
	var b, flush, drop strings.Builder
	for _, s := range chains {
		for _, r := range led[s.Chain] {
			if !going[r.chain] {
				fmt.Fprintf(&b, "-D %s %s\n", r.chain, r.rule)
			}
		}
		fmt.Fprintf(&flush, "-F %s\n", s.Chain)
		fmt.Fprintf(&drop, "-X %s\n", s.Chain)
	}
	return "*" + table + "\n" + b.String() + flush.String() + drop.String() + "COMMIT\n"
}
