package chain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// transaction returns the input of iptables-restore that makes the chains of a
// table as wished, empty where they are. Bodies come before jumps.
func transaction(name string, now *table, wants map[string]Chain) string {
	chains := slices.Sorted(maps.Keys(wants))
	var declared, bodies []string
	for _, chain := range chains {
		want := wants[chain]
		if now.has(chain) && slices.Equal(now.chains[chain], want.Rules) {
			continue
		}
		declared = append(declared, chain)
		for _, rule := range want.lines() {
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

// owed lists chains of vpnd's own that rules lead to and that are neither
// there nor in this transaction: their turn comes later, and until then they
// are empty.
func owed(now *table, wants map[string]Chain) []string {
	var missing []string
	for _, want := range wants {
		for _, rule := range want.lines() {
			if !strings.Contains(rule, prefix) {
				continue
			}
			to := target(rule)
			_, coming := wants[to]
			if ownName.MatchString(to) && !coming && !now.has(to) {
				missing = append(missing, to)
			}
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// printable refuses what would be another line of the input.
func printable(rules []string) error {
	for i, rule := range rules {
		if strings.ContainsAny(rule, "\n\r\x00") {
			return fmt.Errorf("rules[%d] %q holds the end of a line; write each rule as one string of its own", i, rule)
		}
	}
	return nil
}
