package chain

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Advise tells of rules in the backend that vpnd does not write to: packets
// pass both, so a DROP there counts as well, and neither shows the other's.
// What can't be read is not told of.
func (v Verbs) Advise(ctx context.Context) []string {
	var advice []string
	for _, family := range slices.Sorted(maps.Keys(command)) {
		ours, err := v.find(ctx, family)
		if err != nil {
			continue
		}
		other := nft
		if ours.backend == nft {
			other = legacy
		}
		if other == legacy && len(legacyTables(family)) == 0 {
			continue
		}
		theirs, err := Verbs{Backend: other}.find(ctx, family)
		if err != nil {
			continue
		}
		there, err := theirs.dump(ctx, v.Looks)
		if n := there.rules(); err == nil && n > 0 {
			advice = append(advice, fmt.Sprintf("the %s backend of %s holds rules (%d) that apply besides those of the %s backend, which vpnd writes to; move them over, or remove them with %s-%s",
				other, command[family], n, ours.backend, command[family], other))
		}
	}
	return advice
}

// rules counts the rules of all tables.
func (d dump) rules() int {
	n := 0
	for _, t := range d {
		for _, rules := range t.chains {
			n += len(rules)
		}
	}
	return n
}
