package chain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// A stand is a chain and where its jump shall stand.
type stand struct {
	chain string
	lane
	order []string // of its lane; nil where nobody says
}

// arrange returns the lines that bring the jumps to the chains of a table to
// their places, and with them every other jump of vpnd that stands wrong in the
// same lane: so one transaction puts a hook in order, whichever of its chains
// it is about.
func arrange(table string, now *table, wants map[string]Chain) []string {
	astray := now.astray(table, wants)
	rules := make(map[string][]string) // of the hooks, as line after line leaves them
	for _, hook := range hooks[table] {
		rules[hook] = slices.Clone(now.chains[hook])
	}
	var lines []string
	for _, s := range astray {
		for _, j := range now.jumps(table, s.chain) {
			lines = append(lines, "-D "+j.chain+" "+j.rule)
			i := slices.Index(rules[j.chain], j.rule)
			rules[j.chain] = slices.Delete(rules[j.chain], i, i+1)
		}
	}
	for _, s := range astray {
		if s.hook == "" {
			continue
		}
		there := rules[s.hook]
		i := s.index(now, there)
		rules[s.hook] = slices.Insert(there, i, s.jump())
		switch i {
		case len(there):
			lines = append(lines, "-A "+s.hook+" "+s.jump())
		case 0:
			lines = append(lines, "-I "+s.hook+" "+s.jump())
		default:
			lines = append(lines, fmt.Sprintf("-I %s %d %s", s.hook, i+1, s.jump()))
		}
	}
	return lines
}

func (s stand) jump() string {
	if s.at == bottom {
		return bottomJump(s.chain)
	}
	return topJump(s.chain)
}

// index returns the place among the rules of its hook: between those of its
// lane before and behind which it belongs. Where none of them is there, the
// lane begins anew.
func (s stand) index(now *table, rules []string) int {
	rank := ranks(s.order)
	before, behind := -1, -1
	for i, rule := range rules {
		chain, at := jumped(rule)
		r, asked := rank[chain]
		switch {
		case !asked || at != s.at:
		case r < rank[s.chain]:
			before = i
		case behind < 0:
			behind = i
		}
	}
	switch {
	case s.at == top && before >= 0:
		return before + 1
	case behind >= 0:
		return behind
	case s.at == top:
		return now.entrance(s.hook, rules)
	default:
		return now.bottom(rules)
	}
}

// astray lists the chains whose jumps have to move, as they shall follow each
// other, those at the top first: those of the wishes, and those in the same
// lanes. Chains of no order that are made together stand by name.
func (t *table) astray(table string, wants map[string]Chain) []stand {
	only := func(chain string) bool {
		want, wished := wants[chain]
		return t.onlyAccepts(chain) && (!wished || onlyAccept(want.Rules))
	}
	var wrong []stand
	unordered := make(map[lane][]string)
	for _, chain := range slices.Sorted(maps.Keys(wants)) {
		want := wants[chain]
		if s := (stand{chain: chain, lane: want.lane(), order: want.Order}); t.astrays(table, s, only) {
			wrong = append(wrong, s)
			if s.order == nil {
				unordered[s.lane] = append(unordered[s.lane], chain)
			}
		}
	}
	orders := make(map[lane][]string)
	for i, s := range wrong {
		if s.order == nil {
			wrong[i].order = unordered[s.lane]
		}
		orders[s.lane] = wrong[i].order
	}
	for l, order := range orders {
		for _, other := range t.standing(l) {
			_, wished := wants[other]
			if s := (stand{chain: other, lane: l, order: order}); !wished && slices.Contains(order, other) && t.astrays(table, s, only) {
				wrong = append(wrong, s)
			}
		}
	}
	slices.SortFunc(wrong, func(a, b stand) int {
		return cmp.Or(cmp.Compare(a.hook, b.hook), cmp.Compare(b.at, a.at), cmp.Compare(slices.Index(a.order, a.chain), slices.Index(b.order, b.chain)))
	})
	return wrong
}

// astrays says whether a jump is not where it shall stand.
func (t *table) astrays(table string, s stand, only func(string) bool) bool {
	hook, at := t.whence(table, s.chain)
	return hook != s.hook || at != s.at || s.hook != "" && s.order != nil && misordered(s.chain, s.order, t.standing(s.lane), only)
}
