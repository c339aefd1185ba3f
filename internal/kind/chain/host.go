package chain

import (
	"context"
	"fmt"
	"slices"

	"vpnd/internal/resource"
)

// A host is what one call of a verb sees: each family is read once.
type host struct {
	verbs Verbs
	seen  map[string]view
}

type view struct {
	tool *tool
	told *wordings
	dump dump
	err  error
}

func (v Verbs) host() host { return host{verbs: v, seen: make(map[string]view)} }

func (h host) view(ctx context.Context, family string) view {
	seen, ok := h.seen[family]
	if !ok {
		seen.tool, seen.err = h.verbs.find(ctx, family)
		if seen.err == nil {
			seen.told = h.verbs.wordings(seen.tool)
			seen.dump, seen.err = seen.tool.dump(ctx)
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

// observe returns a chain by the measure of a wish, nil where it is not there.
func (h host) observe(ctx context.Context, name string, want *Chain) (*Chain, error) {
	s, err := parse(name)
	if err != nil {
		return nil, err
	}
	_, t, err := h.table(ctx, s)
	if err != nil || !t.has(s.chain) {
		return nil, err
	}
	hook, at := t.whence(s.table, s.chain)
	order := t.sequence(s.table, s.chain, want)
	return &Chain{Hook: resource.Ptr(hook), At: resource.Ptr(at), Order: order, Rules: t.chains[s.chain]}, nil
}

// write converges chains of one table.
func (h host) write(ctx context.Context, group spot, wants map[string]Chain) error {
	tool, now, err := h.table(ctx, group)
	if err != nil {
		return err
	}
	changes := transaction(group.table, now, wants)
	if changes == "" {
		return nil
	}
	if _, err := runBy(ctx, tool.restoration(changes), h.verbs.Writers.run); err != nil {
		return fmt.Errorf("restoring table %s of %s: %w; nothing of it was changed", group.table, group.family, err)
	}
	h.verbs.recognise(ctx, group, wants)
	return nil
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
