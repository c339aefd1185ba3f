package ruleset

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/syntax"
)

// Overruled tells which rule of others above a chain makes it worthless, and
// how to take that away: one that accepts everything above what drops, or drops
// everything above what accepts. Nothing where there is none, or where vpnd
// moves above it; see [Table.barrier]. The uplinks are the interfaces of the
// default routes.
func (t *Table) Overruled(s syntax.Spot, uplinks func() []string) string {
	found := t.jumps(s.Table, s.Chain)
	if len(found) == 0 {
		return ""
	}
	j := found[0]
	isDefault := laneOf(j).At == Bottom && t.decides(s.Chain, drops)
	opens := t.accepts(s.Chain, nil) && !isDefault
	for _, i := range t.strangers(j.chain) {
		if i >= j.index {
			break
		}
		rule, does := t.Chains[j.chain][i], ""
		switch {
		case isDefault && (t.takes(rule, []string{"ACCEPT"}, nil) || t.quits(j.chain, rule)):
			does = "accepts everything"
		case opens && t.takes(rule, drops, nil):
			does = "drops everything"
		case isDefault && t.takes(bare(rule, uplinks), []string{"ACCEPT"}, nil):
			does = "accepts all such packets"
		default:
			continue
		}
		return fmt.Sprintf("%q in %s, which %s before it is asked; unless that is meant, run %s",
			rule, j.chain, does, syntax.TakeAway(syntax.Spot{Family: s.Family, Table: s.Table, Chain: j.chain}, rule))
	}
	return ""
}

// drops are the targets after which a packet goes nowhere.
var drops = []string{"DROP", "REJECT"}

// decides says whether a rule of a chain has one of the targets.
func (t *Table) decides(chain string, verdicts []string) bool {
	return slices.ContainsFunc(t.Chains[chain], func(rule string) bool { return slices.Contains(verdicts, syntax.Target(rule)) })
}

// takes says whether a rule of others gives each packet that comes to it one of
// the verdicts, itself or by a chain that it leads to. What other rules of that
// chain do before is not taken into account.
func (t *Table) takes(rule string, verdicts, seen []string) bool {
	to, ok := blunt(rule)
	switch {
	case !ok || slices.Contains(seen, to):
		return false
	case slices.Contains(verdicts, to):
		return true
	}
	return slices.ContainsFunc(t.Chains[to], func(r string) bool { return t.takes(r, verdicts, append(seen, to)) })
}

// quits says whether a rule ends a hook for every packet, and leaves it to a
// policy that accepts.
func (t *Table) quits(hook, rule string) bool {
	to, ok := blunt(rule)
	return ok && t.policies[hook] == "ACCEPT" && (to == "RETURN" || leaps(rule) && !t.takes(rule, drops, nil))
}

// bare returns a rule without what leaves it as good as one for every packet: a
// protocol that all connections have, that they are new, and that they come from
// where the default route leads to. Of another interface, or another protocol,
// somebody may accept everything with good reason.
func bare(rule string, uplinks func() []string) string {
	list, err := syntax.Words(rule)
	if err != nil {
		return rule
	}
	for len(list) > 1 {
		n := 2
		switch key, value := list[0], list[1]; {
		case key == "-p" && (value == "tcp" || value == "udp"):
		case key == "-i" && slices.Contains(uplinks(), value):
		case key == "-m" && value == "comment" && len(list) > 4:
			n = 4
		case key == "-m" && (value == "conntrack" || value == "state") && len(list) > 4 && isNew(list[2:4]):
			n = 4
		default:
			return strings.Join(list, " ")
		}
		list = list[n:]
	}
	return strings.Join(list, " ")
}

// isNew says whether a match on states has the first packet of a connection.
func isNew(match []string) bool {
	return (match[0] == "--ctstate" || match[0] == "--state") && slices.Contains(strings.Split(match[1], ","), "NEW")
}

// blunt returns the target of a rule that matches every packet.
func blunt(rule string) (to string, ok bool) {
	if !strings.HasPrefix(rule, "-j ") && !strings.HasPrefix(rule, "-g ") && !strings.HasPrefix(rule, "-m comment ") {
		return "", false
	}
	list, err := syntax.Words(rule)
	if err != nil {
		return "", false
	}
	if len(list) > 4 && list[1] == "comment" {
		list = list[4:]
	}
	return syntax.Target(rule), len(list) > 1 && (list[0] == "-j" || list[0] == "-g")
}
