package chain

import (
	"slices"
	"strings"
)

// A jump to a chain at the top of its hook is a plain one, and at the bottom
// one with this comment: where a hook holds nothing else, both places are one,
// and only the mark tells which was meant when something else comes.
const bottomMark = "-m comment --comment vpnd-bottom "

func topJump(chain string) string { return "-j " + chain }

func bottomJump(chain string) string { return bottomMark + "-j " + chain }

func isTopJump(rule string) bool {
	chain, ok := strings.CutPrefix(rule, "-j ")
	return ok && own(chain) && !strings.Contains(chain, " ")
}

func isBottomJump(rule string) bool {
	rest, ok := strings.CutPrefix(rule, bottomMark)
	return ok && isTopJump(rest)
}

// jumps lists the rules of built-in chains that lead to a chain.
func (t *table) jumps(table, chain string) []reference {
	return t.references(chain, hooks[table])
}

// whence says in the words of a shape where a chain is jumped to from. What
// differs from one unconditional jump is told in words that no wish equals, so
// that it is repaired.
func (t *table) whence(table, chain string) (hook, at string) {
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

// place says where in its chain a jump stands. At the top only plain jumps of
// vpnd stand before it, at the bottom only marked ones behind it.
func (t *table) place(j reference) string {
	rules := t.chains[j.chain]
	isTop := !slices.ContainsFunc(rules[:j.index], func(r string) bool { return !isTopJump(r) })
	isBottom := !slices.ContainsFunc(rules[j.index+1:], func(r string) bool { return !isBottomJump(r) })
	switch {
	case isTop && isBottom && isBottomJump(j.rule), isBottom && !isTop:
		return bottom
	case isTop:
		return top
	default:
		return middle
	}
}

// place returns the hook and place that a wish asks for. A wish that was
// observed may say more than one can ask for; then its first hook counts.
func (c Chain) place() (hook, at string) {
	if c.Hook == nil || *c.Hook == "" {
		return "", ""
	}
	hook, _, _ = strings.Cut(*c.Hook, ",")
	hook, _, _ = strings.Cut(hook, " ")
	if c.At != nil && *c.At == bottom {
		return hook, bottom
	}
	return hook, top
}
