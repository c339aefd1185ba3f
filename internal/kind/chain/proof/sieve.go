package proof

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
)

// A sieve finds the rules of one table that are refused. The line numbers that
// iptables-restore complains about are no help: they are off by one or more,
// or missing, as the version and backend will have it.
type sieve struct {
	r        *rehearsal
	wishes   []*Wish
	passed   []line
	culprits []culprit
}

// A culprit is a rule that was refused.
type culprit struct {
	line
	err error
}

func (s *sieve) try(ctx context.Context, lines []line) error {
	return scratch(ctx, s.r.tool, s.r.objects, script(s.wishes, s.r.others, lines), func(*os.File) error { return nil })
}

// sift tries the lines together with those that passed before, and where they
// are refused each half by itself. An error is one that is no refusal.
func (s *sieve) sift(ctx context.Context, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	candidates := slices.Concat(s.passed, lines)
	err := s.try(ctx, candidates)
	switch {
	case err == nil:
		s.passed = candidates
		return nil
	case !xtables.Refused(err):
		return err
	case len(lines) == 1:
		s.culprits = append(s.culprits, culprit{line: lines[0], err: err})
		return nil
	}
	half := len(lines) / 2
	if err := s.sift(ctx, lines[:half]); err != nil {
		return err
	}
	return s.sift(ctx, lines[half:])
}

// blame says what is wrong with a rule, and the way out.
func (r *rehearsal) blame(c culprit) error {
	rule := c.of.Rules[c.index]
	hint := "see iptables-extensions(8)"
	to := syntax.Target(rule)
	text := c.err.Error()
	switch {
	case strings.Contains(rule, "--nfacct-name"), strings.Contains(rule, "-j CT --timeout"), strings.Contains(rule, "--rateest "):
		hint = "what it names has to be on the host first (nfacct(8), nfct(8), a rule with -j RATEEST)"
	case strings.HasPrefix(text, xtables.KernelRefusal):
		hint = fmt.Sprintf("it may not be meant for table %s", c.of.Table)
		if c.of.Hook != "" {
			hint += " or for the hook " + c.of.Hook
		}
		hint += ", lead round in a circle, or need a module that the kernel lacks; see iptables-extensions(8)"
	case strings.HasPrefix(text, "Set "):
		hint = "create the ipset first"
	case to != "" && !slices.Contains(syntax.Targets, to) && strings.Contains(text, to):
		hint = fmt.Sprintf("%s is no target, and there is no such chain in table %s of %s; create it first, or correct the name", to, c.of.Table, c.of.Family)
	}
	return fmt.Errorf("rules[%d] %q: %w; %s", c.index, rule, c.err, hint)
}
