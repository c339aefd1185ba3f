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

// jumped returns the chain of vpnd that a jump of its own making leads to, and
// the end of the hook at which it belongs; nothing of any other rule.
func jumped(rule string) (chain, at string) {
	switch {
	case isTopJump(rule):
		return strings.TrimPrefix(rule, "-j "), top
	case isBottomJump(rule):
		return strings.TrimPrefix(rule, bottomMark+"-j "), bottom
	}
	return "", ""
}

func isJump(rule string) bool { return isTopJump(rule) || isBottomJump(rule) }

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

// place says where in its chain a jump stands: at the top where no rule above
// may keep a packet from it, see [table.barrier], at the bottom where none of
// others stands in or above the end of the hook, see [table.end].
func (t *table) place(j reference) string {
	rules := t.chains[j.chain]
	end := t.end(rules)
	isTop := j.index <= t.barrier(j.chain) && !isBottomJump(j.rule)
	isBottom := j.index >= end && !slices.ContainsFunc(rules[end:j.index], func(r string) bool { return !isJump(r) })
	switch {
	case isTop:
		return top
	case isBottom:
		return bottom
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
	if hook == "" {
		return "", ""
	}
	if c.At != nil && *c.At == bottom {
		return hook, bottom
	}
	return hook, top
}
