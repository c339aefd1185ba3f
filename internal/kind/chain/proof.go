package chain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A proof is what became of one rule in the rehearsal.
type proof struct {
	texts []string // how iptables-save prints it: several rules where it names several addresses
	print imprint  // of the rule, where those texts are misleading; empty else
}

// faithful says whether the proof holds without more looking: what is printed
// is what was written.
func (p proof) faithful(words string) bool { return len(p.texts) == 1 && p.texts[0] == words }

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
	to := target(rule)
	return to != "" && !slices.Contains(targets, to)
}

func (l line) words() string { return l.of.rules[l.index] }

// read restores the lines and reads them back.
func (r *rehearsal) read(ctx context.Context, wishes []*wish, lines []line) (map[line]proof, error) {
	var proofs map[line]proof
	input := scriptOf(wishes, r.others, lines, true)
	err := r.tool.scratch(ctx, r.objects, input, func(lock *os.File) error {
		text, err := run(ctx, inRoom(exec.Command(r.tool.save), lock))
		if err != nil {
			return fmt.Errorf("reading back what was restored: %w", err)
		}
		prints, err := r.imprints(wishes)
		if err == nil {
			proofs, err = assign(parseDump(text), prints, lines)
		}
		return err
	})
	return proofs, err
}

// imprints reads those of all tables of the wishes.
func (r *rehearsal) imprints(wishes []*wish) (map[spot][]imprint, error) {
	all := make(map[spot][]imprint)
	for _, table := range tables {
		if !slices.ContainsFunc(wishes, func(w *wish) bool { return w.table == table }) {
			continue
		}
		prints, err := r.tool.imprints(table)
		if err != nil {
			return nil, err
		}
		for chain, list := range prints {
			all[spot{family: r.tool.family, table: table, chain: chain}] = list
		}
	}
	return all, nil
}

// assign gives each line its part of what was read back.
func assign(d dump, prints map[spot][]imprint, lines []line) (map[line]proof, error) {
	proofs := make(map[line]proof, len(lines))
	at := make(map[spot]int)
	for _, l := range lines {
		rules, codes := d.table(l.of.table).chains[l.of.chain], prints[l.of.spot]
		from := at[l.of.spot]
		to := from + 1
		if multiplies(l.words()) {
			for to = from; to < len(rules) && rules[to] != end; to++ {
			}
		}
		if to > len(rules) || to == from || len(codes) != len(rules) {
			return nil, fmt.Errorf("rules[%d] %q of chain %s was proved and can't be read back; please report this with its rules", l.index, l.words(), l.of.chain)
		}
		proofs[l] = proof{texts: rules[from:to], print: joined(codes[from:to])}
		at[l.of.spot] = to
		if multiplies(l.words()) {
			at[l.of.spot]++
		}
	}
	return proofs, nil
}

// joined is one imprint of several rules.
func joined(prints []imprint) imprint {
	if len(prints) == 1 {
		return prints[0]
	}
	words := make([]string, len(prints))
	for i, p := range prints {
		words[i] = string(p)
	}
	return imprint(strings.Join(words, "+"))
}

// compare restores what was read back, and takes the imprints out of the proofs
// of rules that come out the same, or only in other bytes.
func (r *rehearsal) compare(ctx context.Context, wishes []*wish, proofs map[line]proof) error {
	again := make(map[*wish]*wish, len(wishes))
	var reprints []*wish
	for _, w := range wishes {
		again[w] = &wish{spot: w.spot, name: w.name, hook: w.hook, at: w.at}
		reprints = append(reprints, again[w])
	}
	var lines []line               // of the reprints
	parts := make(map[line][]line) // by the line that they come from
	for _, l := range linesOf(wishes) {
		p, ok := proofs[l]
		if !ok {
			continue
		}
		if p.faithful(l.words()) {
			if !l.leans() {
				p.print = ""
				proofs[l] = p
				continue
			}
		}
		w := again[l.of]
		for _, text := range p.texts {
			part := line{of: w, index: len(w.rules)}
			w.rules = append(w.rules, text)
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
		same := make([]imprint, 0, len(list))
		for _, part := range list {
			same = append(same, prints[part])
		}
		if joined(same) == p.print || !misleading(l.words(), p.texts) {
			p.print = ""
		}
		proofs[l] = p
	}
	return nil
}

// reprint returns the imprints of what was read back, without those of rules
// that iptables doesn't take when they are given as it prints them.
func (r *rehearsal) reprint(ctx context.Context, wishes []*wish, lines []line) (map[line]imprint, error) {
	prints, err := r.press(ctx, wishes, lines)
	if !refused(err) {
		return prints, err
	}
	var passed []line
	for _, table := range tables {
		group := filter(wishes, func(w *wish) bool { return w.table == table })
		s := sieve{r: r, wishes: group}
		if err := s.sift(ctx, filter(lines, func(l line) bool { return l.of.table == table })); err != nil {
			return nil, err
		}
		passed = append(passed, s.passed...)
	}
	return r.press(ctx, wishes, passed)
}

func (r *rehearsal) press(ctx context.Context, wishes []*wish, lines []line) (map[line]imprint, error) {
	found := make(map[line]imprint, len(lines))
	err := r.tool.scratch(ctx, r.objects, script(wishes, r.others, lines), func(*os.File) error {
		prints, err := r.imprints(wishes)
		if err != nil {
			return err
		}
		next := make(map[spot]int)
		for _, l := range lines {
			list := prints[l.of.spot]
			if i := next[l.of.spot]; i < len(list) {
				found[l] = list[i]
			}
			next[l.of.spot]++
		}
		return nil
	})
	return found, err
}
