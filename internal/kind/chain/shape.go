// Package chain converges iptables chains of vpnd's own.
//
// The kernel is the normaliser: wished rules are restored in a network
// namespace of their own and read back, which proves them and yields the very
// text in which the host will say them. A chain is replaced whole, in one
// transaction a table; nothing of others is flushed, moved or deleted.
package chain

// Chain is a chain of vpnd's own in iptables or ip6tables, replaced whole. Its
// name is family/table/chain: ip/filter/VPND-FORWARD, ip6/nat/VPND-POSTROUTING.
type Chain struct {
	Hook      *string  `vpnd:"hook,glance" doc:"the built-in chain that jumps here; without it only other chains do"`
	At        *string  `vpnd:"at" doc:"where the jump stands in the hook: top (above all that could accept a packet first) or bottom" default:"top"`
	Priority  *int     `vpnd:"priority,hint" doc:"which of vpnd's chains at one end of a hook comes first: the lower, 0 to 999; those of one priority stand in the order of the files, and each behind what it depends_on. Listeners of servers have 100, firewall blocks 200, gateways 300; defaults of firewall blocks are last" default:"200"`
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

// The two places of a jump. What else an observation says (middle) is a place
// where somebody else put it.
const (
	top    = "top"
	bottom = "bottom"
	middle = "middle"
)
