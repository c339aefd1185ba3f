package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// Remove takes chains away, and with them every rule that leads to one from
// a built-in chain or one of vpnd's own, in one transaction a family and table.
// A rule elsewhere is somebody's intention: its chain stays, and the error names
// the rule.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	var errs []error
	groups := make(map[spot][]spot) // by family and table
	for _, name := range names {
		s, err := parse(name)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		group := spot{family: s.family, table: s.table}
		groups[group] = append(groups[group], s)
	}
	h := v.host()
	for _, group := range slices.SortedFunc(maps.Keys(groups), spot.compare) {
		for s, err := range h.removeEverywhere(ctx, group, groups[group]) {
			errs = append(errs, &resource.NameError{Name: s.String(), Err: err})
		}
	}
	return errors.Join(errs...)
}

// removeEverywhere takes chains of one table away from both backends. It returns
// what could not be removed.
func (h host) removeEverywhere(ctx context.Context, group spot, chains []spot) map[spot]error {
	failed := h.remove(ctx, group, chains)
	tool, _, err := h.table(ctx, group)
	if err != nil {
		return failed // all of them
	}
	e, err := h.elsewhere(group.family, tool.backend)
	if err != nil {
		return all(chains, err)
	}
	maps.Copy(failed, e.remove(ctx, group, chains))
	return failed
}

// remove takes chains of one table away from one backend. It returns what could not be removed.
func (h host) remove(ctx context.Context, group spot, chains []spot) map[spot]error {
	tool, now, err := h.table(ctx, group)
	if err != nil {
		return all(chains, err)
	}
	failed := make(map[spot]error)
	led := now.led()
	chains = filter(chains, func(s spot) bool {
		if err := claimed(s, led[s.chain]); err != nil && now.has(s.chain) {
			failed[s] = err
		}
		return now.has(s.chain) && failed[s] == nil
	})
	slices.SortFunc(chains, spot.compare)
	if len(chains) == 0 {
		return failed
	}
	_, err = runBy(ctx, tool.restoration(removal(group.table, chains, led)), h.verbs.Writers.run)
	switch {
	case refused(err) && len(chains) > 1:
		// As for one that native rules of nftables lead to: the others go all the same.
		for half := range slices.Chunk(chains, (len(chains)+1)/2) {
			maps.Copy(failed, h.verbs.host().remove(ctx, group, half))
		}
	case err != nil:
		maps.Copy(failed, all(chains, fmt.Errorf("removing it from table %s of %s: %w; nothing of it was changed", group.table, group.family, err)))
	}
	return failed
}

func all(chains []spot, err error) map[spot]error {
	failed := make(map[spot]error, len(chains))
	for _, s := range chains {
		failed[s] = err
	}
	return failed
}

// claimed is an error where a chain of others leads to s.
func claimed(s spot, led []reference) error {
	for _, r := range led {
		if !builtin(s.table, r.chain) && !own(r.chain) {
			return fmt.Errorf("chain %s, which is not of vpnd, leads there; first run %s", r.chain, takeAway(spot{s.family, s.table, r.chain}, r.rule))
		}
	}
	return nil
}

// removal returns the input of iptables-restore that takes chains of a table
// away: what leads there, then their rules, which may lead to one another, then
// they.
func removal(table string, chains []spot, led map[string][]reference) string {
	going := make(map[string]bool, len(chains))
	for _, s := range chains {
		going[s.chain] = true
	}
	var b, flush, drop strings.Builder
	for _, s := range chains {
		for _, r := range led[s.chain] {
			if !going[r.chain] {
				fmt.Fprintf(&b, "-D %s %s\n", r.chain, r.rule)
			}
		}
		fmt.Fprintf(&flush, "-F %s\n", s.chain)
		fmt.Fprintf(&drop, "-X %s\n", s.chain)
	}
	return "*" + table + "\n" + b.String() + flush.String() + drop.String() + "COMMIT\n"
}

// Marked says that vpnd made the chain, which its name tells.
func (Verbs) Marked(string, *Chain) bool { return true }
