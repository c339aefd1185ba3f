package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
)

// others lists the chains of the host that rules lead to without wishing them.
func othersOf(t *xtables.Tool, wishes []*Wish) ([]syntax.Spot, error) {
	looked := make(map[syntax.Spot]bool)
	for _, w := range wishes {
		looked[w.Spot] = true
	}
	var there []syntax.Spot
	for _, w := range wishes {
		for _, rule := range w.Rules {
			to := syntax.Spot{Family: w.Family, Table: w.Table, Chain: syntax.Target(rule)}
			if to.Chain == "" || looked[to] || slices.Contains(syntax.Targets, to.Chain) {
				continue
			}
			looked[to] = true
			exists, err := t.Exists(to)
			if err != nil {
				return nil, fmt.Errorf("looking for chain %s of table %s: %w", to.Chain, to.Table, err)
			}
			if exists {
				there = append(there, to)
			}
		}
	}
	slices.SortFunc(there, syntax.Spot.Compare)
	return there, nil
}

// allSaved is what iptables-save prints of both families, as far as it does.
func (v Prover) allSaved(ctx context.Context) string {
	var all strings.Builder
	for family := range syntax.Command {
		if t, err := v.Find(ctx, family); err == nil {
			text, _ := t.Saved(ctx, v.Looks)
			all.WriteString(text)
		}
	}
	return all.String()
}
