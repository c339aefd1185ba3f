package ruleset

import (
	"slices"

	"vpnd/internal/kind/chain/syntax"
)

// What stands above a chain of vpnd at the top of its hook.
//
// The top is where vpnd's jumps go when they are first made: above all that
// stood there. Programs that come later put their own rules first, and what
// then stands above vpnd's is judged by what it can do to them:
//
//   - Rules that only drop, reject, count, log or return hold above vpnd's as
//     well. They are why fail2ban puts its chain first: a ban is to hold on the
//     VPN's port too. That is no drift, and vpnd's jump does not move.
//   - Rules that may accept (or, in the nat table, end the translation) keep
//     packets from what vpnd's chains would drop, and from their translation.
//     That is drift: vpnd's jumps move above the first such rule. Rules of
//     others are never touched.
//
// A chain that only its name says to be vpnd's is one of others; see [Ours].
//
// A default, at the bottom of its hook, decides what no chain accepted,
// whoever made it; a rule of others that accepts something above it is what it
// is for. One that accepts everything makes it worthless, and as good as that is
// one that accepts all of TCP or UDP, all that is new or all that comes by the
// default route, and one that leaves the hook to a policy that accepts. Where it
// accepts everything and no other rule of others follows, that one is but a policy
// in other words: vpnd's default moves above it. Elsewhere it does not: then the
// rules of others below, which may let an administrator in, would be dead, and a
// person who opened a host in need would be locked out. It is told at once, with who
// wrote it and the command that takes it away.
//
// The same goes for a rule of others above vpnd's that drops everything, and
// makes worthless what vpnd's chains accept.

// accepting are targets that may let a packet go on past all rules below, and
// those of the nat table after which no other one is asked.
var accepting = []string{
	"ACCEPT", "QUEUE", "NFQUEUE", "TPROXY", "SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "SNPT", "DNPT",
}

// barrier returns the index of the first rule in a hook that may keep a packet
// from the rules below without dropping it, the number of rules where there is
// none. A default of vpnd is one, its jumps at the top are none.
func (t *Table) barrier(hook string) int {
	if i, known := t.barriers[hook]; known {
		return i
	}
	rules := t.Chains[hook]
	i := slices.IndexFunc(rules, func(rule string) bool {
		chain, at := t.jumped(hook, rule)
		return at == Bottom || chain == "" && t.passes(hook, rule)
	})
	if i < 0 {
		i = len(rules)
	}
	t.barriers[hook] = i
	return i
}

// passes says whether a rule of a hook may let a packet go on past the rules
// below. To return from a hook is to be judged by its policy.
func (t *Table) passes(hook, rule string) bool {
	to, leaves := syntax.Target(rule), leaps(rule)
	if to == "RETURN" || leaves {
		return t.policies[hook] != "DROP" || t.accepts(to, nil)
	}
	return t.accepts(to, nil)
}

// accepts says whether a target, or any rule of a chain, may accept.
func (t *Table) accepts(to string, seen []string) bool {
	if slices.Contains(accepting, to) {
		return true
	}
	if !t.Has(to) || slices.Contains(seen, to) {
		return false
	}
	seen = append(seen, to)
	return slices.ContainsFunc(t.Chains[to], func(rule string) bool { return t.accepts(syntax.Target(rule), seen) })
}

// entrance returns where in a hook a lane at its top begins: above all rules
// but, in the INPUT of the filter table, the chains of bans that stand first. So
// a jump that somebody took away comes back below fail2ban's, and which of the
// two came first makes no difference to who is banned.
func (t *Table) entrance(hook string, rules []string) int {
	i := 0
	for hook == "INPUT" && i < len(rules) && t.bans(hook, rules[i]) {
		i++
	}
	return i
}

// end returns the index at which the end of a hook begins: behind it there are
// but vpnd's jumps and rules of others that accept everything.
func (t *Table) end(hook string, rules []string) int {
	i := len(rules)
	for i > 0 && (t.isJump(hook, rules[i-1]) || t.takes(rules[i-1], []string{"ACCEPT"}, nil)) {
		i--
	}
	return i
}

// ending is [Table.end] of a hook as it stands.
func (t *Table) ending(hook string) int {
	rules, others := t.Chains[hook], t.strangers(hook)
	for i := len(others) - 1; i >= 0; i-- {
		if !t.takes(rules[others[i]], []string{"ACCEPT"}, nil) {
			return others[i] + 1
		}
	}
	return 0
}

// bottom returns where a new default goes: behind vpnd's other chains there.
func (t *Table) bottom(hook string, rules []string) int {
	i := t.end(hook, rules)
	for i < len(rules) && t.isJump(hook, rules[i]) {
		i++
	}
	return i
}

// bans says whether a rule leads to a chain that does nothing but drop what
// comes from certain addresses, as those of fail2ban and its like.
func (t *Table) bans(hook, rule string) bool {
	rules := t.Chains[syntax.Target(rule)]
	return len(rules) > 0 && !t.leadsToOurs(hook, rule) && !leaps(rule) && !slices.ContainsFunc(rules, func(r string) bool { return !isBan(r) })
}

// isBan says whether a rule of a chain drops a source, or returns.
func isBan(rule string) bool {
	switch syntax.Target(rule) {
	case "RETURN":
		return true
	case "DROP", "REJECT":
		return namesSource(rule)
	}
	return false
}

// namesSource says whether a rule is about certain sources only.
func namesSource(rule string) bool {
	list, err := syntax.Words(rule)
	if err != nil {
		return false
	}
	for i, word := range list {
		if word == "-s" && (i == 0 || list[i-1] != "!") || word == "--match-set" && i+2 < len(list) && list[i+2] == "src" {
			return true
		}
	}
	return false
}

// leaps says whether a rule goes to a chain without coming back to its own.
func leaps(rule string) bool {
	list, err := syntax.Words(rule)
	return err == nil && (slices.Contains(list, "-g") || slices.Contains(list, "--goto"))
}
