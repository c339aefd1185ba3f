package chain

import (
	"context"
	"fmt"
	"slices"

	"vpnd/internal/resource"
)

// A host is what one call of a verb sees: each family is read once.
type host struct {
	verbs  Verbs
	seen   map[string]view
	others map[string]elsewhere // by family
}

type view struct {
	tool *tool
	told *wordings
	dump dump
	err  error
}

func (v Verbs) host() host {
	return host{verbs: v, seen: make(map[string]view), others: make(map[string]elsewhere)}
}

func (h host) view(ctx context.Context, family string) view {
	seen, ok := h.seen[family]
	if !ok {
		seen.tool, seen.err = h.verbs.find(ctx, family)
		if seen.err == nil {
			seen.told = h.verbs.wordings(seen.tool)
			seen.dump, seen.err = seen.tool.dump(ctx, h.verbs.Looks)
		}
		h.seen[family] = seen
	}
	return seen
}

// table returns the tool of a family and one of its tables as it is told.
func (h host) table(ctx context.Context, s spot) (*tool, *table, error) {
	seen := h.view(ctx, s.family)
	if seen.err != nil {
		return nil, nil, seen.err
	}
	t := seen.dump.table(s.table)
	switch {
	case t.err != nil:
		return nil, nil, t.err
	case t.opaque:
		return nil, nil, fmt.Errorf("table %s holds native nftables rules that iptables can't read; move them to a table of another name, or remove them with nft", s.table)
	case !t.told:
		if err := seen.told.translate(seen.tool, s.table, t); err != nil {
			return nil, nil, err
		}
		t.told = true
	}
	return seen.tool, t, nil
}

// observe returns a chain by the measure of a wish, nil where it is not there,
// nor in the other backend.
func (h host) observe(ctx context.Context, name string, want *Chain) (*Chain, error) {
	s, err := parse(name)
	if err != nil {
		return nil, err
	}
	got, err := h.observeHere(ctx, s, want)
	if err != nil {
		return nil, err
	}
	e, err := h.elsewhere(s.family, h.seen[s.family].tool.backend)
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
func (h host) observeHere(ctx context.Context, s spot, want *Chain) (*Chain, error) {
	_, t, err := h.table(ctx, s)
	if err != nil || !t.has(s.chain) {
		return nil, err
	}
	hook, at := t.whence(s.table, s.chain)
	return &Chain{
		Hook: resource.Ptr(hook), At: resource.Ptr(at), Order: t.sequence(s.table, s.chain, want),
		Rules: t.chains[s.chain], Overruled: resource.Ptr(t.overruled(s)),
	}, nil
}

// write converges chains of one table.
func (h host) write(ctx context.Context, group spot, wants map[string]Chain) error {
	tool, now, err := h.table(ctx, group)
	if err != nil {
		return err
	}
	changes := transaction(group.table, now, wants)
	if changes == "" {
		return h.sweep(ctx, tool, group, wants)
	}
	if _, err := runBy(ctx, tool.restoration(changes), h.verbs.Writers.run); err != nil {
		return fmt.Errorf("restoring table %s of %s: %w; nothing of it was changed", group.table, group.family, err)
	}
	h.verbs.recognise(ctx, group, wants)
	return h.sweep(ctx, tool, group, wants)
}

// recognise sees to it that rules which were asked for as they were once
// observed are told in the same words again, also where what was known of them
// is lost, as after a boot. That it can't is no error: the rules stand.
func (v Verbs) recognise(ctx context.Context, group spot, wants map[string]Chain) {
	strange := make(map[string]*Chain)
	h := v.host()
	for chain, want := range wants {
		if want.written != nil {
			continue // proved, so that all is known
		}
		_, now, err := h.table(ctx, group)
		if err == nil && len(now.chains[chain]) == len(want.Rules) && !slices.Equal(now.chains[chain], want.Rules) {
			strange[spot{family: group.family, table: group.table, chain: chain}.String()] = &want
		}
	}
	if len(strange) > 0 {
		_, _ = v.Normalize(ctx, strange)
	}
}
