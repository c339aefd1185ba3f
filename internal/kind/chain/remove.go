package chain

import (
	"context"
	"fmt"
	"strings"
)

// Remove takes a chain away, and with it every rule that leads to it from a
// built-in chain or one of vpnd's own, in one transaction. A rule elsewhere is
// somebody's intention: then nothing is removed, and the error names it.
func (v Verbs) Remove(ctx context.Context, name string) error {
	s, err := parse(name)
	if err != nil {
		return err
	}
	tool, now, err := v.host().table(ctx, s)
	if err != nil || !now.has(s.chain) {
		return err
	}
	var b strings.Builder
	for _, r := range now.references(s.chain, now.order) {
		if !builtin(s.table, r.chain) && !own(r.chain) {
			return fmt.Errorf("chain %s, which is not of vpnd, leads there; first run %s -t %s -D %s %s", r.chain, command[s.family], s.table, r.chain, r.rule)
		}
		fmt.Fprintf(&b, "-D %s %s\n", r.chain, r.rule)
	}
	input := fmt.Sprintf("*%s\n%s-F %s\n-X %s\nCOMMIT\n", s.table, b.String(), s.chain, s.chain)
	if _, err := runBy(ctx, tool.restoration(input), v.Writers.run); err != nil {
		return fmt.Errorf("removing it from table %s of %s: %w; nothing of it was changed", s.table, s.family, err)
	}
	return nil
}

// Lingers says that chains go last: a rule set must not go before its
// successor stands.
func (Verbs) Lingers() bool { return true }

// Marked says that vpnd made the chain, which its name tells.
func (Verbs) Marked(string, *Chain) bool { return true }
