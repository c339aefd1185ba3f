package chain

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
)

// Validate says what is wrong with a chain as far as no host is needed. What
// iptables and the kernel think of the rules is proved by Normalize.
func (c *Chain) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	s, err := syntax.Parse(name)
	if err != nil {
		summary, hint, _ := strings.Cut(err.Error(), "; ")
		found = append(found, resource.Mistake{Summary: summary, Hint: hint})
	}
	if c.Hook != nil && syntax.Hooks[s.Table] != nil && !syntax.Builtin(s.Table, *c.Hook) {
		found = append(found, resource.Mistake{
			Path:    "hook",
			Summary: fmt.Sprintf("table %s has no built-in chain %q", s.Table, *c.Hook),
			Hint:    "one of " + strings.Join(syntax.Hooks[s.Table], ", "),
		})
	}
	if c.At != nil && *c.At != ruleset.Top && *c.At != ruleset.Bottom {
		found = append(found, resource.Mistake{Path: "at", Summary: fmt.Sprintf("%q is no place in a chain", *c.At), Hint: "write top or bottom"})
	}
	found = append(found, CheckPriority(c.Priority)...)
	for i, rule := range c.Rules {
		for _, p := range syntax.Examine(s.Family, rule) {
			found = append(found, resource.Mistake{Path: "rules", Summary: fmt.Sprintf("rules[%d] %q: %s", i, rule, p.What), Hint: p.Hint})
		}
	}
	return found
}
