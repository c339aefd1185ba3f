// Package chain converges iptables chains of vpnd's own.
//
// The kernel is the normaliser: wished rules are restored in a network
// namespace of their own and read back, which proves them and yields the very
// text in which the host will say them. A chain is replaced whole, in one
// transaction a table; nothing of others is flushed, moved or deleted.
//
// The verbs are here; each does one thing with the packages below:
//
//	Validate   syntax    is it a rule at all?
//	Normalize  proof     would the host take it, and how will it say it?  (object, memory)
//	Observe    ruleset   what stands, and where                          (xtables, kernel)
//	Apply      ruleset   one transaction a table
//	Remove     ruleset   likewise
//	Watch      event     who changed it
//	Advise     foreign   who drops it all the same
package chain

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/chain/ruleset"
)

// Chain is a chain of vpnd's own in iptables or ip6tables, replaced whole. Its
// name is family/table/chain: ip/filter/VPND-FORWARD, ip6/nat/VPND-POSTROUTING.
type Chain struct {
	Hook      *string  `vpnd:"hook,glance" doc:"the built-in chain that jumps here; without it only other chains do"`
	At        *string  `vpnd:"at" doc:"where the jump stands in the hook: top (above all that could accept a packet first) or bottom" default:"top"`
	Priority  *int     `vpnd:"priority,hint" doc:"which of vpnd's chains at one end of a hook comes first: the lower, 0 to 999; those of one priority stand in the order of the files, and each behind what it depends_on. Guards of tunnels have 50, listeners of servers 100, firewall blocks 200, tunnels 250, gateways 300; defaults of firewall blocks are last" default:"200"`
	Order     []string `vpnd:"order,computed,relative" doc:"vpnd's chains at this end of the hook, from top to bottom"`
	Rules     []string `vpnd:"rules,required,glance" doc:"the rules in the syntax of iptables(8), without -A and the chain"`
	Overruled *string  `vpnd:"overruled_by,computed,hint" doc:"a rule of others above it that makes it worthless; empty where there is none"`

	// written is what makes the rules: the words of the user, as they were proved.
	// The rules of a wish that was normalised are what is read back then. Nil
	// where those are all that is known, as of what was observed.
	written []string
}

// lines returns what iptables-restore is given to make the rules.
func (c Chain) lines() []string {
	if c.written != nil {
		return c.written
	}
	return c.Rules
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
	if c.At != nil && *c.At == ruleset.Bottom {
		return hook, ruleset.Bottom
	}
	return hook, ruleset.Top
}

// want is the chain as it shall be in its table.
func (c Chain) want() ruleset.Want {
	hook, at := c.place()
	return ruleset.Want{Lane: ruleset.Lane{Hook: hook, At: at}, Order: c.Order, Rules: c.Rules, Lines: c.lines()}
}

// measure is the same of a wish by which somebody looks, nil where there is none.
func (c *Chain) measure() *ruleset.Want {
	if c == nil {
		return nil
	}
	want := c.want()
	return &want
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
