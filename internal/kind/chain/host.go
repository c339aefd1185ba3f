package chain

import (
	"context"
	"fmt"
	"slices"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/memory"
	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/resource"
)

// A host is what one call of a verb sees: each family is read once.
type host struct {
	verbs  Verbs
	seen   map[string]view
	others map[string]elsewhere          // by family
	ours   map[syntax.Spot]*ruleset.Ours // by family and table; of those that are asked for
}

type view struct {
	tool *xtables.Tool
	told *memory.Wordings
	dump ruleset.Dump
	err  error
}

func (v Verbs) host() host {
	return host{verbs: v, seen: make(map[string]view), others: make(map[string]elsewhere), ours: make(map[syntax.Spot]*ruleset.Ours)}
}

// ask tells the host of a chain that it is asked for, whose names then say which
// chains are vpnd's; see [ruleset.Ours].
func (h host) ask(name string, want *Chain) {
	s, err := syntax.Parse(name)
	if err != nil {
		return // told by whoever looks for it
	}
	group := syntax.Spot{Family: s.Family, Table: s.Table}
	if h.ours[group] == nil {
		h.ours[group] = new(ruleset.Ours)
	}
	h.ours[group].Ask(s.Chain, want.measure())
}

func (h host) view(ctx context.Context, family string) view {
	seen, ok := h.seen[family]
	if !ok {
		seen.tool, seen.err = h.verbs.find(ctx, family)
		if seen.err == nil {
			seen.told = memory.OpenWordings(h.verbs.Cache, family, seen.tool.Backend)
			seen.dump, seen.err = seen.tool.Dump(ctx, h.verbs.Looks)
		}
		h.seen[family] = seen
	}
	return seen
}

// table returns the tool of a family and one of its tables as it is told.
func (h host) table(ctx context.Context, s syntax.Spot) (*xtables.Tool, *ruleset.Table, error) {
	seen := h.view(ctx, s.Family)
	if seen.err != nil {
		return nil, nil, seen.err
	}
	t := seen.dump.Table(s.Table)
	switch {
	case t.Err != nil:
		return nil, nil, t.Err
	case t.Opaque:
		return nil, nil, fmt.Errorf("table %s holds native nftables rules that iptables can't read; move them to a table of another name, or remove them with nft", s.Table)
	case !t.Told:
		if err := seen.told.Translate(s.Table, t.Chains); err != nil {
			return nil, nil, err
		}
		t.Told, t.Ours = true, h.ours[syntax.Spot{Family: s.Family, Table: s.Table}]
	}
	return seen.tool, t, nil
}

// observe returns a chain by the measure of a wish, nil where it is not there,
// nor in the other backend.
func (h host) observe(ctx context.Context, name string, want *Chain) (*Chain, error) {
	s, err := syntax.Parse(name)
	if err != nil {
		return nil, err
	}
	got, err := h.observeHere(ctx, s, want)
	if err != nil {
		return nil, err
	}
	e, err := h.elsewhere(s.Family, h.seen[s.Family].tool.Backend)
	if err != nil {
		return nil, err
	}
	return asWished(e.also(ctx, s, got), want), nil
}

// asWished tells the place of a chain in the words of a wish that was once
// observed and says more than can be asked for, where it stands as that asks for
// it. So an undo of a repair goes back as far as it can, and is done then.
func asWished(got, want *Chain) *Chain {
	if got == nil || want == nil || want.Hook == nil || want.At == nil {
		return got
	}
	hook, at := want.place()
	if *got.Hook != hook || *got.At != at || hook == *want.Hook && at == *want.At {
		return got
	}
	told := *got
	told.Hook, told.At = want.Hook, want.At
	return &told
}

// observeHere looks for a chain in the backend that vpnd writes to.
func (h host) observeHere(ctx context.Context, s syntax.Spot, asked *Chain) (*Chain, error) {
	_, t, err := h.table(ctx, s)
	if err != nil || !t.Has(s.Chain) {
		return nil, err
	}
	hook, at := t.Whence(s.Table, s.Chain)
	return &Chain{
		Hook: resource.Ptr(hook), At: resource.Ptr(at), Order: t.Sequence(s.Table, s.Chain, asked.measure()),
		Rules: t.Chains[s.Chain], Overruled: resource.Ptr(t.Overruled(s, kernel.Uplinks)),
	}, nil
}

// write converges chains of one table.
func (h host) write(ctx context.Context, group syntax.Spot, wants map[string]Chain) error {
	tool, now, err := h.table(ctx, group)
	if err != nil {
		return err
	}
	targets := make(map[string]ruleset.Want, len(wants))
	for chain, want := range wants {
		targets[chain] = want.want()
	}
	changes := ruleset.Transaction(group.Table, now, targets)
	if changes == "" {
		return h.sweep(ctx, tool, group, wants)
	}
	if _, err := xtables.RunBy(ctx, tool.Restoration(changes), h.verbs.Writers.Run); err != nil {
		return fmt.Errorf("restoring table %s of %s: %w; nothing of it was changed", group.Table, group.Family, err)
	}
	h.verbs.recognise(ctx, group, wants)
	return h.sweep(ctx, tool, group, wants)
}

// recognise sees to it that rules which were asked for as they were once
// observed are told in the same words again, also where what was known of them
// is lost, as after a boot. That it can't is no error: the rules stand.
func (v Verbs) recognise(ctx context.Context, group syntax.Spot, wants map[string]Chain) {
	strange := make(map[string]*Chain)
	h := v.host()
	for chain, want := range wants {
		if want.written != nil {
			continue // proved, so that all is known
		}
		_, now, err := h.table(ctx, group)
		if err == nil && len(now.Chains[chain]) == len(want.Rules) && !slices.Equal(now.Chains[chain], want.Rules) {
			strange[syntax.Spot{Family: group.Family, Table: group.Table, Chain: chain}.String()] = &want
		}
	}
	if len(strange) > 0 {
		_, _ = v.Normalize(ctx, strange)
	}
}
