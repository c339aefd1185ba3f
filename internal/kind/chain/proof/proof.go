package proof

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/memory"
	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
)

// end is a rule that stands in the rehearsal behind one that may become several,
// to tell where those end.
const end = "-m comment --comment vpnd-rehearsal-end"

// multiplies says whether a rule may become several: iptables makes one for each
// pair of a source and a destination.
func multiplies(rule string) bool { return strings.Contains(rule, ",") }

// dependents are extensions whose rules lean on others of the same name: what one
// makes another finds, or is refused for.
var dependents = []string{"rateest", "RATEEST", "hashlimit", "recent", "IDLETIMER"}

// leans says whether a rule is proved only together with others.
func (l line) leans() bool {
	rule := l.words()
	if slices.ContainsFunc(dependents, func(name string) bool { return strings.Contains(rule, name) }) {
		return true
	}
	to := syntax.Target(rule)
	return to != "" && !slices.Contains(syntax.Targets, to)
}

func (l line) words() string { return l.of.Rules[l.index] }

// read restores the lines and reads them back.
func (r *rehearsal) read(ctx context.Context, wishes []*Wish, lines []line) (map[line]memory.Proof, error) {
	var proofs map[line]memory.Proof
	input := scriptOf(wishes, r.others, lines, true)
	err := scratch(ctx, r.tool, r.objects, input, func(lock *os.File) error {
		text, err := xtables.Run(ctx, inRoom(exec.Command(r.tool.Save), lock))
		if err != nil {
			return fmt.Errorf("reading back what was restored: %w", err)
		}
		prints, err := r.imprints(wishes)
		if err == nil {
			proofs, err = assign(ruleset.ParseDump(text), prints, lines)
		}
		return err
	})
	return proofs, err
}

// imprints reads those of all tables of the wishes.
func (r *rehearsal) imprints(wishes []*Wish) (map[syntax.Spot][]kernel.Imprint, error) {
	all := make(map[syntax.Spot][]kernel.Imprint)
	for _, table := range syntax.Tables {
		if !slices.ContainsFunc(wishes, func(w *Wish) bool { return w.Table == table }) {
			continue
		}
		prints, err := kernel.Imprints(r.tool.Backend, r.tool.Family, table)
		if err != nil {
			return nil, err
		}
		for chain, list := range prints {
			all[syntax.Spot{Family: r.tool.Family, Table: table, Chain: chain}] = list
		}
	}
	return all, nil
}

// assign gives each line its part of what was read back.
func assign(d ruleset.Dump, prints map[syntax.Spot][]kernel.Imprint, lines []line) (map[line]memory.Proof, error) {
	proofs := make(map[line]memory.Proof, len(lines))
	at := make(map[syntax.Spot]int)
	for _, l := range lines {
		rules, codes := d.Table(l.of.Table).Chains[l.of.Chain], prints[l.of.Spot]
		from := at[l.of.Spot]
		to := from + 1
		if multiplies(l.words()) {
			for to = from; to < len(rules) && rules[to] != end; to++ {
			}
		}
		if to > len(rules) || to == from || len(codes) != len(rules) {
			return nil, fmt.Errorf("rules[%d] %q of chain %s was proved and can't be read back; please report this with its rules", l.index, l.words(), l.of.Chain)
		}
		proofs[l] = memory.Proof{Texts: rules[from:to], Print: joined(codes[from:to])}
		at[l.of.Spot] = to
		if multiplies(l.words()) {
			at[l.of.Spot]++
		}
	}
	return proofs, nil
}

// joined is one imprint of several rules.
func joined(prints []kernel.Imprint) kernel.Imprint {
	if len(prints) == 1 {
		return prints[0]
	}
	words := make([]string, len(prints))
	for i, p := range prints {
		words[i] = string(p)
	}
	return kernel.Imprint(strings.Join(words, "+"))
}

// compare restores what was read back, and takes the imprints out of the proofs
// of rules that come out the same, or only in other bytes.
func (r *rehearsal) compare(ctx context.Context, wishes []*Wish, proofs map[line]memory.Proof) error {
	again := make(map[*Wish]*Wish, len(wishes))
	var reprints []*Wish
	for _, w := range wishes {
		again[w] = &Wish{Spot: w.Spot, Name: w.Name, Hook: w.Hook, At: w.At}
		reprints = append(reprints, again[w])
	}
	var lines []line               // of the reprints
	parts := make(map[line][]line) // by the line that they come from
	for _, l := range linesOf(wishes) {
		p, ok := proofs[l]
		if !ok {
			continue
		}
		if p.Faithful(l.words()) {
			if !l.leans() {
				p.Print = ""
				proofs[l] = p
				continue
			}
		}
		w := again[l.of]
		for _, text := range p.Texts {
			part := line{of: w, index: len(w.Rules)}
			w.Rules = append(w.Rules, text)
			lines = append(lines, part)
			parts[l] = append(parts[l], part)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	prints, err := r.reprint(ctx, reprints, lines)
	if err != nil {
		return err
	}
	for l, list := range parts {
		p := proofs[l]
		same := make([]kernel.Imprint, 0, len(list))
		for _, part := range list {
			same = append(same, prints[part])
		}
		if joined(same) == p.Print || !syntax.Misleading(l.words(), p.Texts) {
			p.Print = ""
		}
		proofs[l] = p
	}
	return nil
}

// reprint returns the imprints of what was read back, without those of rules
// that iptables doesn't take when they are given as it prints them.
func (r *rehearsal) reprint(ctx context.Context, wishes []*Wish, lines []line) (map[line]kernel.Imprint, error) {
	prints, err := r.press(ctx, wishes, lines)
	if !xtables.Refused(err) {
		return prints, err
	}
	var passed []line
	for _, table := range syntax.Tables {
		group := filter(wishes, func(w *Wish) bool { return w.Table == table })
		s := sieve{r: r, wishes: group}
		if err := s.sift(ctx, filter(lines, func(l line) bool { return l.of.Table == table })); err != nil {
			return nil, err
		}
		passed = append(passed, s.passed...)
	}
	return r.press(ctx, wishes, passed)
}

func (r *rehearsal) press(ctx context.Context, wishes []*Wish, lines []line) (map[line]kernel.Imprint, error) {
	found := make(map[line]kernel.Imprint, len(lines))
	err := scratch(ctx, r.tool, r.objects, script(wishes, r.others, lines), func(*os.File) error {
		prints, err := r.imprints(wishes)
		if err != nil {
			return err
		}
		next := make(map[syntax.Spot]int)
		for _, l := range lines {
			list := prints[l.of.Spot]
			if i := next[l.of.Spot]; i < len(list) {
				found[l] = list[i]
			}
			next[l.of.Spot]++
		}
		return nil
	})
	return found, err
}
