package ruleset

import (
	"slices"
	"strings"

	"vpnd/internal/kind/chain/syntax"
)

// The two places of a jump. What else an observation says (middle) is a place
// where somebody else put it.
const (
	Top    = "top"
	Bottom = "bottom"
	middle = "middle"
)

// A jump to a chain at the top of its hook is a plain one, and at the bottom
// one with this comment: where a hook holds nothing else, both places are one,
// and only the mark tells which was meant when something else comes.
const bottomMark = "-m comment --comment vpnd-bottom "

// TopJump is the rule that leads to a chain from the top of a hook.
func TopJump(chain string) string { return "-j " + chain }

// BottomJump is the rule that leads to a chain from the bottom of a hook.
func BottomJump(chain string) string { return bottomMark + "-j " + chain }

func isTopJump(rule string) bool {
	chain, ok := strings.CutPrefix(rule, "-j ")
	return ok && syntax.Own(chain) && !strings.Contains(chain, " ")
}

func isBottomJump(rule string) bool {
	rest, ok := strings.CutPrefix(rule, bottomMark)
	return ok && isTopJump(rest)
}

// Jumped returns the chain of vpnd that a jump of its own making leads to, and
// the end of the hook at which it belongs; nothing of any other rule.
func Jumped(rule string) (chain, at string) {
	switch {
	case isTopJump(rule):
		return strings.TrimPrefix(rule, "-j "), Top
	case isBottomJump(rule):
		return strings.TrimPrefix(rule, bottomMark+"-j "), Bottom
	}
	return "", ""
}

// jumps lists the rules of built-in chains that lead to a chain of vpnd's own.
func (t *Table) jumps(table, chain string) []Reference {
	if t.led == nil {
		t.led = t.references(syntax.Hooks[table])
	}
	return t.led[chain]
}

// strangers returns the indices of the rules of a hook that are no jumps of vpnd.
func (t *Table) strangers(hook string) []int {
	there, known := t.others[hook]
	if !known {
		for i, rule := range t.Chains[hook] {
			if !t.isJump(hook, rule) {
				there = append(there, i)
			}
		}
		t.others[hook] = there
	}
	return there
}

// Whence says in the words of a shape where a chain is jumped to from. What
// differs from one unconditional jump is told in words that no wish equals, so
// that it is repaired.
func (t *Table) Whence(table, chain string) (hook, at string) {
	found := t.jumps(table, chain)
	if len(found) == 0 {
		return "", ""
	}
	var from []string
	for _, j := range found {
		if !isTopJump(j.rule) && !isBottomJump(j.rule) {
			j.chain += " (conditional)"
		}
		from = append(from, j.chain)
	}
	return strings.Join(from, ", "), t.place(found[0])
}

// place says where in its chain a jump stands: at the top where no rule above
// may keep a packet from it, see [Table.barrier], at the bottom where none of
// others stands in or above the end of the hook, see [Table.end].
func (t *Table) place(j Reference) string {
	end := t.ending(j.chain)
	isTop := j.index <= t.barrier(j.chain) && !isBottomJump(j.rule)
	isBottom := j.index >= end && !slices.ContainsFunc(t.strangers(j.chain), func(i int) bool { return end <= i && i < j.index })
	switch {
	case isTop:
		return Top
	case isBottom:
		return Bottom
	default:
		return middle
	}
}
