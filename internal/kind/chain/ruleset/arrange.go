package ruleset

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/kind/chain/syntax"
)

// A stand is a chain and where its jump shall stand.
type stand struct {
	chain string
	Lane
	order []string // of its lane; nil where nobody says
}

// arrange returns the lines that bring the jumps to the chains of a table to
// their places, and with them every other jump of vpnd that stands wrong in the
// same lane: so one transaction puts a hook in order, whichever of its chains
// it is about.
func arrange(table string, now *Table, wants map[string]Want) []string {
	astray := now.astray(table, wants)
	rules := make(map[string][]string) // of the hooks, as line after line leaves them
	for _, hook := range syntax.Hooks[table] {
		rules[hook] = slices.Clone(now.Chains[hook])
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
		if s.Hook == "" {
			continue
		}
		there := rules[s.Hook]
		i := s.index(now, there)
		rules[s.Hook] = slices.Insert(there, i, s.jump())
		switch i {
		case len(there):
			lines = append(lines, "-A "+s.Hook+" "+s.jump())
		case 0:
			lines = append(lines, "-I "+s.Hook+" "+s.jump())
		default:
			lines = append(lines, fmt.Sprintf("-I %s %d %s", s.Hook, i+1, s.jump()))
		}
	}
	return lines
}

func (s stand) jump() string {
	if s.At == Bottom {
		return BottomJump(s.chain)
	}
	return TopJump(s.chain)
}

// index returns the place among the rules of its hook: between those of its
// lane before and behind which it belongs. Where none of them is there, the
// lane begins anew.
func (s stand) index(now *Table, rules []string) int {
	rank := ranks(s.order)
	before, behind := -1, -1
	for i, rule := range rules {
		chain, at := Jumped(rule)
		r, asked := rank[chain]
		switch {
		case !asked || at != s.At:
		case r < rank[s.chain]:
			before = i
		case behind < 0:
			behind = i
		}
	}
	switch {
	case s.At == Top && before >= 0:
		return before + 1
	case behind >= 0:
		return behind
	case s.At == Top:
		return now.entrance(s.Hook, rules)
	default:
		return now.bottom(s.Hook, rules)
	}
}

// astray lists the chains whose jumps have to move, as they shall follow each
// other, those at the top first: those of the wishes, and those in the same
// lanes. Chains of no order that are made together stand by name.
func (t *Table) astray(table string, wants map[string]Want) []stand {
	only := func(chain string) bool {
		want, wished := wants[chain]
		return t.onlyAccepts(chain) && (!wished || onlyAccept(want.Rules))
	}
	var wrong []stand
	unordered := make(map[Lane][]string)
	for _, chain := range slices.Sorted(maps.Keys(wants)) {
		want := wants[chain]
		if s := (stand{chain: chain, Lane: want.Lane, order: want.Order}); t.astrays(table, s, only) {
			wrong = append(wrong, s)
			if s.order == nil {
				unordered[s.Lane] = append(unordered[s.Lane], chain)
			}
		}
	}
	orders := make(map[Lane][]string)
	for i, s := range wrong {
		if s.order == nil {
			wrong[i].order = unordered[s.Lane]
		}
		orders[s.Lane] = wrong[i].order
	}
	for l, order := range orders {
		for _, other := range t.standing(l) {
			_, wished := wants[other]
			if s := (stand{chain: other, Lane: l, order: order}); !wished && slices.Contains(order, other) && t.astrays(table, s, only) {
				wrong = append(wrong, s)
			}
		}
	}
	slices.SortFunc(wrong, func(a, b stand) int {
		return cmp.Or(cmp.Compare(a.Hook, b.Hook), cmp.Compare(b.At, a.At), cmp.Compare(slices.Index(a.order, a.chain), slices.Index(b.order, b.chain)))
	})
	return wrong
}

// astrays says whether a jump is not where it shall stand.
func (t *Table) astrays(table string, s stand, only func(string) bool) bool {
	hook, at := t.Whence(table, s.chain)
	return hook != s.Hook || at != s.At || s.Hook != "" && s.order != nil && misordered(s.chain, s.order, t.standing(s.Lane), only)
}
