package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/resource"
)

// Elsewhere are chains of vpnd's own in the backend that it does not write to.
// They came there before the host's iptables was linked to the other one, and
// packets pass them all the same: they are as much vpnd's as those that it sees
// with the host's programs, and go.
type elsewhere struct {
	host    host // of that backend
	backend string
	chains  map[syntax.Spot]bool
}

// elsewhere asks the kernel, and starts no program where nothing is there.
func (h host) elsewhere(family, ours string) (elsewhere, error) {
	if known, ok := h.others[family]; ok {
		return known, nil
	}
	other := h.verbs
	if other.Backend = kernel.NFT; ours == kernel.NFT {
		other.Backend = kernel.Legacy
	}
	e := elsewhere{host: other.host(), backend: other.Backend}
	var err error
	if e.chains, err = kernel.OwnChains(other.Backend, family); err != nil {
		return e, fmt.Errorf("looking for chains of vpnd in the %s backend: %w", other.Backend, err)
	}
	h.others[family] = e
	return e, nil
}

// also adds to what was seen of a chain where it stands elsewhere, in words that
// no wish equals. Where only that one is there, it is what was seen.
func (e elsewhere) also(ctx context.Context, s syntax.Spot, got *Chain) *Chain {
	if !e.chains[s] {
		return got
	}
	theirs, err := e.host.observeHere(ctx, s, nil)
	if theirs == nil || err != nil { // its programs are gone, but not it
		theirs = &Chain{Hook: resource.Ptr(""), At: resource.Ptr(""), Order: []string{}, Rules: []string{}, Overruled: resource.Ptr("")}
	}
	where := *theirs.Hook + " (" + e.backend + " backend)"
	if got == nil {
		got = theirs
	} else {
		where = *got.Hook + ", " + where
	}
	also := *got
	also.Hook = &where
	return &also
}

// remove takes away those of the chains that stand elsewhere.
func (e elsewhere) remove(ctx context.Context, group syntax.Spot, chains []syntax.Spot) map[syntax.Spot]error {
	astray := slices.DeleteFunc(slices.Clone(chains), func(s syntax.Spot) bool { return !e.chains[s] })
	if len(astray) == 0 {
		return nil
	}
	failed := e.host.remove(ctx, group, astray)
	for s, err := range failed {
		if xtables.Missing(err) {
			err = fmt.Errorf("it stands in the %s backend as well: %w, or boot anew", e.backend, err)
		}
		failed[s] = err
	}
	return failed
}

// sweep takes chains that now stand where they shall away from elsewhere.
func (h host) sweep(ctx context.Context, t *xtables.Tool, group syntax.Spot, wants map[string]Chain) error {
	e, err := h.elsewhere(group.Family, t.Backend)
	if err != nil {
		return err
	}
	var chains []syntax.Spot
	for chain := range wants {
		chains = append(chains, syntax.Spot{Family: group.Family, Table: group.Table, Chain: chain})
	}
	return errors.Join(slices.Collect(maps.Values(e.remove(ctx, group, chains)))...)
}
