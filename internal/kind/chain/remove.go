package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/resource"
)

// Remove takes chains away, and with them every rule that leads to one from
// a built-in chain or one of vpnd's own, in one transaction a family and table.
// A rule elsewhere is somebody's intention: its chain stays, and the error names
// the rule.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	var errs []error
	groups := make(map[syntax.Spot][]syntax.Spot) // by family and table
	for _, name := range names {
		s, err := syntax.Parse(name)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		group := syntax.Spot{Family: s.Family, Table: s.Table}
		groups[group] = append(groups[group], s)
	}
	h := v.host()
	for _, group := range slices.SortedFunc(maps.Keys(groups), syntax.Spot.Compare) {
		for s, err := range h.removeEverywhere(ctx, group, groups[group]) {
			errs = append(errs, &resource.NameError{Name: s.String(), Err: err})
		}
	}
	return errors.Join(errs...)
}

// removeEverywhere takes chains of one table away from both backends. It returns
// what could not be removed.
func (h host) removeEverywhere(ctx context.Context, group syntax.Spot, chains []syntax.Spot) map[syntax.Spot]error {
	failed := h.remove(ctx, group, chains)
	tool, _, err := h.table(ctx, group)
	if err != nil {
		return failed // all of them
	}
	e, err := h.elsewhere(group.Family, tool.Backend)
	if err != nil {
		return all(chains, err)
	}
	maps.Copy(failed, e.remove(ctx, group, chains))
	return failed
}

// remove takes chains of one table away from one backend. It returns what could not be removed.
func (h host) remove(ctx context.Context, group syntax.Spot, chains []syntax.Spot) map[syntax.Spot]error {
	tool, now, err := h.table(ctx, group)
	if err != nil {
		return all(chains, err)
	}
	failed := make(map[syntax.Spot]error)
	led := now.Led()
	chains = slices.DeleteFunc(slices.Clone(chains), func(s syntax.Spot) bool {
		if err := ruleset.Claimed(s, led[s.Chain]); err != nil && now.Has(s.Chain) {
			failed[s] = err
		}
		return !now.Has(s.Chain) || failed[s] != nil
	})
	slices.SortFunc(chains, syntax.Spot.Compare)
	if len(chains) == 0 {
		return failed
	}
	_, err = xtables.RunBy(ctx, tool.Restoration(ruleset.Removal(group.Table, chains, led)), h.verbs.Writers.Run)
	switch {
	case xtables.Refused(err) && len(chains) > 1:
		// As for one that native rules of nftables lead to: the others go all the same.
		for half := range slices.Chunk(chains, (len(chains)+1)/2) {
			maps.Copy(failed, h.verbs.host().remove(ctx, group, half))
		}
	case err != nil:
		maps.Copy(failed, all(chains, fmt.Errorf("removing it from table %s of %s: %w; nothing of it was changed", group.Table, group.Family, err)))
	}
	return failed
}

func all(chains []syntax.Spot, err error) map[syntax.Spot]error {
	failed := make(map[syntax.Spot]error, len(chains))
	for _, s := range chains {
		failed[s] = err
	}
	return failed
}

// Marked says that vpnd made the chain, which its name tells.
func (Verbs) Marked(string, *Chain) bool { return true }
