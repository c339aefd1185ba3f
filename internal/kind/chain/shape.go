// Package chain converges iptables chains of vpnd's own.
package chain

// Chain is a chain of vpnd's own in iptables or ip6tables, replaced whole. Its
// name is family/table/chain: ip/filter/VPND-FORWARD, ip6/nat/VPND-POSTROUTING.
type Chain struct {
	Hook  *string  `vpnd:"hook" doc:"the built-in chain that jumps here; without it only other chains do"`
	At    *string  `vpnd:"at" doc:"where the jump stands in the hook: top or bottom" default:"top"`
	Rules []string `vpnd:"rules,required" doc:"the rules in the syntax of iptables(8), without -A and the chain"`
}
