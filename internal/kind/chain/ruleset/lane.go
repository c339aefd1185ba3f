package ruleset

import (
	"slices"

	"vpnd/internal/kind/chain/syntax"
)

// A Lane is where the jumps of vpnd stand in a hook, one after the other: those
// at its top and those at its bottom. A jump says by its mark in which it
// belongs; see [BottomJump].
type Lane struct{ Hook, At string }

// A Want is a chain as it shall be.
type Want struct {
	Lane
	Order []string // of vpnd's chains in the lane; nil where nobody says
	Rules []string // as iptables-save prints them
	Lines []string // what iptables-restore is given to make them
}

// laneOf returns the lane that a jump belongs in.
func laneOf(j Reference) Lane {
	if isBottomJump(j.rule) {
		return Lane{j.chain, Bottom}
	}
	return Lane{j.chain, Top}
}

// standing lists the chains of vpnd in a lane, from top to bottom.
func (t *Table) standing(l Lane) []string {
	if there, known := t.lanes[l]; known {
		return there
	}
	there := []string{}
	for _, rule := range t.Chains[l.Hook] {
		if chain, at := t.jumped(l.Hook, rule); chain != "" && at == l.At {
			there = append(there, chain)
		}
	}
	t.lanes[l] = there
	return there
}

// Sequence says in the words of a shape in which order the chains of vpnd stand
// where this one does. Where it stands to all the others as the wish says, that
// is the wish itself: which of them are missing is their affair.
func (t *Table) Sequence(table, chain string, want *Want) []string {
	found := t.jumps(table, chain)
	if want != nil && want.Order != nil {
		wanted := want.Lane
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
func (t *Table) onlyAccepts(chain string) bool { return onlyAccept(t.Chains[chain]) }

func onlyAccept(rules []string) bool {
	return len(rules) > 0 && !slices.ContainsFunc(rules, func(rule string) bool { return syntax.Target(rule) != "ACCEPT" })
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

// Passing lists the rules of vpnd's chains that a hook leads to.
func (t *Table) Passing(hook string) []string {
	var rules []string
	for _, at := range []string{Top, Bottom} {
		for _, chain := range t.standing(Lane{hook, at}) {
			rules = append(rules, t.Chains[chain]...)
		}
	}
	return rules
}
