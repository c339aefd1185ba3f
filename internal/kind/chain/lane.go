package chain

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// A lane is where the jumps of vpnd stand in a hook, one after the other: those
// at its top and those at its bottom. A jump says by its mark in which it
// belongs; see [bottomJump].
type lane struct{ hook, at string }

// Priorities of chains, where the configuration names none: the lower, the
// earlier in their lane. What a listener takes must come in whatever rules in
// words say of the rest; and what these drop, no gateway may let through.
const (
	Listener = 100 // the port of a server
	Rules    = 200 // firewall blocks, and chain blocks
	Router   = 300 // gateways
)

// Queue says which chains this one has to be put in order with; see
// [resource.Queuer].
func (c *Chain) Queue(name string) (queue string, rank int) {
	s, err := parse(name)
	hook, at := c.place()
	if err != nil || hook == "" {
		return "", 0
	}
	rank = Rules
	if c.Priority != nil {
		rank = *c.Priority
	}
	return strings.Join([]string{s.family, s.table, hook, at}, "/"), rank
}

// Stands takes the names of the chains in the same lane, from top to bottom.
func (c *Chain) Stands(names []string) {
	c.Order = make([]string, len(names))
	for i, name := range names {
		c.Order[i] = name[strings.LastIndex(name, "/")+1:]
	}
}

// CheckPriority returns what is wrong with a priority that somebody wrote, nil
// where none is.
func CheckPriority(priority *int) []resource.Mistake {
	if priority == nil || 0 <= *priority && *priority < resource.Last {
		return nil
	}
	return []resource.Mistake{{
		Path:    "priority",
		Summary: fmt.Sprintf("%d is no priority of a chain", *priority),
		Hint:    fmt.Sprintf("write 0 to %d; without it listeners of servers have %d, firewall and chain blocks %d, gateways %d", resource.Last-1, Listener, Rules, Router),
	}}
}

// laneOf returns the lane that a jump belongs in.
func laneOf(j reference) lane {
	if isBottomJump(j.rule) {
		return lane{j.chain, bottom}
	}
	return lane{j.chain, top}
}

// standing lists the chains of vpnd in a lane, from top to bottom.
func (t *table) standing(l lane) []string {
	if there, known := t.lanes[l]; known {
		return there
	}
	there := []string{}
	for _, rule := range t.chains[l.hook] {
		if chain, at := jumped(rule); chain != "" && at == l.at {
			there = append(there, chain)
		}
	}
	t.lanes[l] = there
	return there
}

// sequence says in the words of a shape in which order the chains of vpnd stand
// where this one does. Where it stands to all the others as the wish says, that
// is the wish itself: which of them are missing is their affair.
func (t *table) sequence(table, chain string, want *Chain) []string {
	found := t.jumps(table, chain)
	if want != nil && want.Order != nil {
		wanted := want.lane()
		only := func(other string) bool { return t.onlyAccepts(other) && (other != chain || onlyAccept(want.Rules)) }
		if len(found) == 0 || laneOf(found[0]) != wanted || !misordered(chain, want.Order, t.standing(wanted), only) {
			return want.Order
		}
	}
	if len(found) == 0 {
		return []string{}
	}
	return t.standing(laneOf(found[0]))
}

// onlyAccepts says whether there is a chain on the host whose rules accept, and
// do nothing else.
func (t *table) onlyAccepts(chain string) bool { return onlyAccept(t.chains[chain]) }

func onlyAccept(rules []string) bool {
	return len(rules) > 0 && !slices.ContainsFunc(rules, func(rule string) bool { return target(rule) != "ACCEPT" })
}

// misordered says whether a chain stands on the wrong side of another one of
// the order. Between two that only accept there is no wrong side: no packet could
// tell, and a host that vpnd 0.1.0 has set up need not change.
func misordered(chain string, order, there []string, only func(string) bool) bool {
	if slices.Equal(order, there) {
		return false
	}
	rank := ranks(order)
	above := true // of the chain
	for _, other := range there {
		r, asked := rank[other]
		switch {
		case other == chain:
			above = false
		case asked && (r < rank[chain]) != above && !(only(chain) && only(other)):
			return true
		}
	}
	return false
}

// ranks numbers the chains of an order.
func ranks(order []string) map[string]int {
	rank := make(map[string]int, len(order))
	for i, chain := range order {
		rank[chain] = i
	}
	return rank
}

func (c Chain) lane() lane {
	hook, at := c.place()
	return lane{hook, at}
}
