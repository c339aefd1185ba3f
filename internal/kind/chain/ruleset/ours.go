package ruleset

import "vpnd/internal/kind/chain/syntax"

// Ours says which chains of one table are vpnd's. A name alone does not: a chain
// that is left over from a state that was lost bears one as well, and is judged as
// that of anybody else, since nobody asks for it. Where it is not told who stands in
// a lane, the name has to do; so it does for nil.
type Ours struct {
	asked map[string]bool
	lanes map[Lane]map[string]bool
}

// Ask takes a chain for vpnd's: one that is wished, or with a nil want on record.
// A wish knows the others of its lane.
func (o *Ours) Ask(chain string, want *Want) {
	if o.asked == nil {
		o.asked, o.lanes = make(map[string]bool), make(map[Lane]map[string]bool)
	}
	o.asked[chain] = true
	if want == nil || want.Order == nil {
		return
	}
	there := o.lanes[want.Lane]
	if there == nil {
		there = make(map[string]bool, len(want.Order))
		o.lanes[want.Lane] = there
	}
	if there[chain] && len(there) >= len(want.Order) {
		return // all of a lane are told the same
	}
	for _, other := range want.Order {
		there[other] = true
	}
}

// has says whether a chain with a name of vpnd's, jumped to from a lane, is its own.
func (o *Ours) has(l Lane, chain string) bool {
	if o == nil || o.lanes[l] == nil {
		return true
	}
	return o.asked[chain] || o.lanes[l][chain]
}

// jumped is [Jumped] for a rule of a hook, and nothing where that leads to a chain
// that only its name says to be vpnd's.
func (t *Table) jumped(hook, rule string) (chain, at string) {
	chain, at = Jumped(rule)
	if chain == "" || !t.Ours.has(Lane{hook, at}, chain) {
		return "", ""
	}
	return chain, at
}

// isJump says whether a rule of a hook is a jump that vpnd made to a chain of its own.
func (t *Table) isJump(hook, rule string) bool {
	chain, _ := t.jumped(hook, rule)
	return chain != ""
}

// leadsToOurs says whether a rule of a hook leads to a chain of vpnd's, by a jump of
// its making or another one.
func (t *Table) leadsToOurs(hook, rule string) bool {
	to, l := syntax.Target(rule), Lane{hook, Top}
	if isBottomJump(rule) {
		l.At = Bottom
	}
	return syntax.Own(to) && t.Ours.has(l, to)
}
