package chain

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/kind/chain/foreign"
	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// Advise tells of what packets have to pass besides vpnd's chains: rules in the
// backend that vpnd does not write to, since a DROP there counts as well, and
// neither shows the other's; and chains of other tables, as firewalld makes
// them, that drop what vpnd accepts. What can't be read is not told of.
func (v Verbs) Advise(ctx context.Context) []string {
	return append(v.adviseOfBackend(ctx), v.adviseOfBases(ctx)...)
}

// adviseOfBases tells what vpnd accepts in vain; see [foreign.Base]. Rules are read only
// where there is such a chain.
func (v Verbs) adviseOfBases(ctx context.Context) []string {
	backend := v.backend(ctx)
	bases, err := foreign.Bases(backend)
	if err != nil || backend == "" {
		return nil
	}
	var advice []string
	h := v.host()
	for _, b := range bases {
		var openings []foreign.Opening
		for _, family := range slices.Sorted(maps.Keys(syntax.Command)) {
			if b.Concerns(family) {
				openings = append(openings, h.openings(ctx, family, b.Hook)...)
			}
		}
		if text := b.Shut(openings); text != "" {
			advice = append(advice, text)
		}
	}
	slices.Sort(advice)
	return advice
}

// openings returns what vpnd's chains accept in a hook of a family. Where it has
// none there, nobody has to read the rules of others.
func (h host) openings(ctx context.Context, family, hook string) []foreign.Opening {
	if chains, err := kernel.OwnChains(h.verbs.backend(ctx), family); err != nil || len(chains) == 0 {
		return nil
	}
	_, t, err := h.table(ctx, syntax.Spot{Family: family, Table: "filter"})
	if err != nil {
		return nil
	}
	return foreign.Openings(hook, t.Passing(hook))
}

// backend returns the one that vpnd writes to, empty where there is no iptables.
func (v Verbs) backend(ctx context.Context) string {
	for _, family := range slices.Sorted(maps.Keys(syntax.Command)) {
		if t, err := v.find(ctx, family); err == nil {
			return t.Backend
		}
	}
	return ""
}

// adviseOfBackend tells of rules in the other backend.
func (v Verbs) adviseOfBackend(ctx context.Context) []string {
	var advice []string
	for _, family := range slices.Sorted(maps.Keys(syntax.Command)) {
		ours, err := v.find(ctx, family)
		if err != nil {
			continue
		}
		other := kernel.NFT
		if ours.Backend == kernel.NFT {
			other = kernel.Legacy
		}
		if other == kernel.Legacy && len(kernel.LegacyTables(family)) == 0 {
			continue
		}
		theirs, err := Verbs{Backend: other}.find(ctx, family)
		if err != nil {
			continue
		}
		there, err := theirs.Dump(ctx, v.Looks)
		if n := there.Rules(); err == nil && n > 0 {
			advice = append(advice, fmt.Sprintf("the %s backend of %s holds rules (%d) that apply besides those of the %s backend, which vpnd writes to; move them over, or remove them with %s-%s",
				other, syntax.Command[family], n, ours.Backend, syntax.Command[family], other))
		}
	}
	return advice
}
