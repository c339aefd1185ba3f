package chain

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/chain/event"
	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/resource"
)

// Traits are what chains are. Rules stand without all else: a port is opened, or
// an address translated, whether or not a service is there; only of each other
// they need to know. Chains are proved and read a family at a time. A host whose
// rules another program takes away again and again would be open for as long as
// vpnd waits, and one without its translation of addresses would carry nobody.
var Traits = resource.Traits{
	Alone: true, Lingers: true, Together: true, Whole: true, NeedsHost: true, Guards: true,
	Essential: resource.All, Filters: func(name string) bool { return strings.Contains(name, "/filter/") },
}

// Verbs converge chains in the network namespace of the calling thread.
type Verbs struct {
	// Backend is nft or legacy; empty, it is the one that the host's iptables
	// command writes to.
	Backend string
	// Cache is a directory that remembers which rules were proved, so that an
	// unchanged configuration is not rehearsed again. Empty, nothing is
	// remembered. It is made where it is missing, for root alone.
	Cache string
	// LockWait is how long the lock of xtables is waited for, in whole seconds;
	// 0 means five of them.
	LockWait time.Duration
	// Writers lets Watch tell vpnd's own changes from those of others. Nil, all
	// are hinted at.
	Writers *xtables.Writers
	// Looks spares reading again what has not changed. Nil, everything is read
	// each time.
	Looks *xtables.Looks
}

// Observe reads every family once, however many chains are asked for. What
// stands in a hook besides a chain and its wish is not told of; see
// [ruleset.Table.Sequence].
func (v Verbs) Observe(ctx context.Context, wants map[string]*Chain) (map[string]*Chain, error) {
	h := v.host()
	for name, want := range wants {
		h.ask(name, want)
	}
	return resource.ObserveEach(ctx, wants, func(name string, want *Chain) (*Chain, error) { return h.observe(ctx, name, want) })
}

// Foresee reads the families of the chains once, which takes longest of a look.
func (v Verbs) Foresee(ctx context.Context, names []string) {
	if v.Looks == nil {
		return
	}
	families := make(map[string]bool)
	for _, name := range names {
		if s, err := syntax.Parse(name); err == nil {
			families[s.Family] = true
		}
	}
	for family := range families {
		if t, err := v.find(ctx, family); err == nil {
			_, _ = t.Saved(ctx, v.Looks)
		}
	}
}

// Apply replaces the chains, in one transaction a family and table. Chains
// whose rules are right already are not rewritten and keep their counters. A
// transaction that is refused has changed nothing, and is an error of each of
// its chains.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Chain]) error {
	var errs []error
	groups := make(map[syntax.Spot]map[string]Chain) // by family and table
	members := make(map[syntax.Spot][]string)
	h := v.host()
	for _, item := range items {
		s, err := syntax.Parse(item.Name)
		if err == nil {
			err = printable(item.Want.lines())
		}
		if err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: err})
			continue
		}
		h.ask(item.Name, &item.Want)
		group := syntax.Spot{Family: s.Family, Table: s.Table}
		if groups[group] == nil {
			groups[group] = make(map[string]Chain)
		}
		groups[group][s.Chain] = item.Want
		members[group] = append(members[group], item.Name)
	}
	for _, group := range slices.SortedFunc(maps.Keys(groups), syntax.Spot.Compare) {
		if err := h.write(ctx, group, groups[group]); err != nil {
			for _, name := range members[group] {
				errs = append(errs, &resource.NameError{Name: name, Err: err})
			}
		}
	}
	return errors.Join(errs...)
}

// find finds the iptables of a family.
func (v Verbs) find(ctx context.Context, family string) (*xtables.Tool, error) {
	return xtables.Find(ctx, family, v.Backend, v.LockWait)
}

// legacy says whether vpnd writes to the legacy backend.
func (v Verbs) legacy(ctx context.Context) bool {
	for family := range syntax.Command {
		if t, err := v.find(ctx, family); err == nil && t.Backend == kernel.Legacy {
			return true
		}
	}
	return false
}

// Watch hears of each change of a table that holds one of the chains, and by which
// process, but for those that vpnd makes itself.
func (v Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return event.Watcher{Writers: v.Writers, Legacy: v.legacy(ctx)}.Watch(ctx, names, kick)
}
