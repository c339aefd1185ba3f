package ruleset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/syntax"
)

// Transaction returns the input of iptables-restore that makes the chains of a
// table as wished, empty where they are. Bodies come before jumps.
func Transaction(name string, now *Table, wants map[string]Want) string {
	chains := slices.Sorted(maps.Keys(wants))
	var declared, bodies []string
	for _, chain := range chains {
		want := wants[chain]
		if now.Has(chain) && slices.Equal(now.Chains[chain], want.Rules) {
			continue
		}
		if lines, few := edits(chain, now, want); few {
			bodies = append(bodies, lines...)
			continue
		}
		declared = append(declared, chain)
		for _, rule := range want.Lines {
			bodies = append(bodies, "-A "+chain+" "+rule)
		}
	}
	declared = append(declared, owed(now, wants)...)
	jumps := arrange(name, now, wants)
	var b strings.Builder
	for _, chain := range declared {
		// Under --noflush this empties a chain that is there, within the transaction.
		fmt.Fprintf(&b, ":%s - [0:0]\n", chain)
	}
	for _, line := range slices.Concat(bodies, jumps) {
		b.WriteString(line + "\n")
	}
	if b.Len() == 0 {
		return ""
	}
	return "*" + name + "\n" + b.String() + "COMMIT\n"
}

// large is from how many rules on a chain is edited where little of it changes.
const large = 100

// edits returns the lines that make a large chain as wished by its numbers, where
// they are few: what stays keeps its counters, and is not written again. Where
// somebody writes to the chain at the same moment the numbers are wrong, which
// the look that follows finds out.
func edits(chain string, now *Table, want Want) (edits []string, few bool) {
	is, rules, lines := now.Chains[chain], want.Rules, want.Lines
	if !now.Has(chain) || len(rules) < large || len(lines) != len(rules) {
		return nil, false
	}
	if len(is) == len(rules) {
		for i := range rules {
			if is[i] != rules[i] {
				edits = append(edits, fmt.Sprintf("-R %s %d %s", chain, i+1, lines[i]))
			}
		}
		if len(edits)*10 <= len(rules) {
			return edits, true
		}
	}
	same := 0
	for same < min(len(is), len(rules)) && is[same] == rules[same] {
		same++
	}
	tail := 0
	for tail < min(len(is), len(rules))-same && is[len(is)-1-tail] == rules[len(rules)-1-tail] {
		tail++
	}
	if (len(is)+len(rules)-2*(same+tail))*10 > len(rules) {
		return nil, false
	}
	edits = slices.Repeat([]string{fmt.Sprintf("-D %s %d", chain, same+1)}, len(is)-same-tail)
	for i := same; i < len(rules)-tail; i++ {
		edits = append(edits, fmt.Sprintf("-I %s %d %s", chain, i+1, lines[i]))
	}
	return edits, true
}

// owed lists chains of vpnd's own that rules lead to and that are neither
// there nor in this transaction: their turn comes later, and until then they
// are empty.
func owed(now *Table, wants map[string]Want) []string {
	var missing []string
	for _, want := range wants {
		for _, rule := range want.Lines {
			if !strings.Contains(rule, syntax.Prefix) {
				continue
			}
			to := syntax.Target(rule)
			_, coming := wants[to]
			if syntax.OwnName(to) && !coming && !now.Has(to) {
				missing = append(missing, to)
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}
