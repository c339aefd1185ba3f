// Package proof finds out of rules, before they come to the host, whether iptables and
// the kernel take them, and how the host will say them.
//
// The second is needed since a rule is rarely printed as it was written ("-p 6" reads
// back as "-p tcp"): who compared the words of a user with those of iptables-save would
// see a difference for ever. So the kernel itself is the normaliser:
//
//	wishes ── those with a proof in the memory ─────────────────────────────┐
//	   │                                                                    │
//	   └─ the rest ─▶ rehearsal, in a network namespace made for it:        │
//	                  1. restore all chains, jumps, and these rules         │
//	                     refused? [sieve]: halves, until each bad rule      │
//	                     is known by itself, and blamed with a way out      │
//	                  2. read back with iptables-save ─▶ texts              │
//	                     and from the kernel ─▶ imprints, to the byte       │
//	                  3. restore the texts, take their imprints             │
//	                     as before? the text says it all; else the words    │
//	                     of the user tell the rule, see [syntax.Misleading] │
//	                                                │                       │
//	                                                ▼                       ▼
//	                              memory ◀── proofs ──▶ answer: each wish in the words
//	                                                    in which the host will say it
//
// A proof holds for a rule in its chain, and only as long as what it depends on is the
// same: the frame (the chains, their jumps, and rules that lean on others, see
// [line.leans]) and the setting (kernel, iptables, the objects that rules name, see
// [settingOf]). So of ten thousand rules only what changed is tried again.
package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/kind/chain/memory"
	"vpnd/internal/kind/chain/object"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/resource"
)

// A Prover proves rules, and remembers which it has proved.
type Prover struct {
	Find  func(ctx context.Context, family string) (*xtables.Tool, error)
	Cache string         // the directory of what is remembered; empty, nothing is
	Looks *xtables.Looks // spares reading again what has not changed
}

// A rehearsal proves the wishes of one family.
type rehearsal struct {
	tool    *xtables.Tool
	objects []object.Object
	others  []syntax.Spot
	told    *memory.Wordings
}

// Prove returns the rules of each wish as they are told once they stand,
// without the wishes of which one was refused, each of which is in the error.
// Rules that are known to be accepted where they stand are not tried again.
func (v Prover) Prove(ctx context.Context, family string, wishes []*Wish) (map[string][]string, error) {
	t, err := v.Find(ctx, family)
	if xtables.Missing(err) {
		return unproved(wishes), nil
	}
	if err != nil {
		return nil, err
	}
	others, err := othersOf(t, wishes)
	if err != nil {
		return nil, err
	}
	r := &rehearsal{tool: t, others: others, told: memory.OpenWordings(v.Cache, family, t.Backend)}
	r.objects = object.NamedBy(allRules(wishes), func() string { return v.allSaved(ctx) })
	lines := linesOf(wishes)
	frame := script(wishes, others, filter(lines, line.leans))
	known := memory.OpenProofs(v.Cache, family, t.Backend, settingOf(t, r.objects), frame)
	proofs := make(map[line]memory.Proof, len(lines))
	for _, l := range lines {
		if p, ok := known.Of(l.of.Spot, l.words()); ok {
			proofs[l] = p
		}
	}
	if len(proofs) == len(lines) && known.Valid {
		return r.answer(wishes, proofs)
	}
	unknown := filter(lines, func(l line) bool { _, ok := proofs[l]; return !ok || l.leans() })
	good, fresh, err := r.try(ctx, wishes, unknown)
	maps.Copy(proofs, fresh)
	answer, bad := r.answer(good, proofs)
	if err == nil && bad == nil {
		again := inWordsOf(answer, wishes)
		known.Keep([2]string{frame, script(again, others, filter(linesOf(again), line.leans))}, provedOf(wishes, proofs))
	}
	return answer, errors.Join(err, bad)
}

// provedOf returns the wishes with the proof of each rule.
func provedOf(wishes []*Wish, proofs map[line]memory.Proof) []memory.Proved {
	chains := make([]memory.Proved, len(wishes))
	for i, w := range wishes {
		chains[i] = memory.Proved{Spot: w.Spot, Rules: w.Rules}
		for j := range w.Rules {
			chains[i].Proofs = append(chains[i].Proofs, proofs[line{of: w, index: j}])
		}
	}
	return chains
}

// inWordsOf returns the wishes as they are told.
func inWordsOf(answer map[string][]string, wishes []*Wish) []*Wish {
	again := make([]*Wish, len(wishes))
	for i, w := range wishes {
		read := *w
		read.Rules = answer[w.Name]
		again[i] = &read
	}
	return again
}

func allRules(wishes []*Wish) []string {
	var rules []string
	for _, w := range wishes {
		rules = append(rules, w.Rules...)
	}
	return rules
}

// unproved takes the wishes at their word; the engine asks again once iptables
// is there.
func unproved(wishes []*Wish) map[string][]string {
	taken := make(map[string][]string, len(wishes))
	for _, w := range wishes {
		taken[w.Name] = w.Rules
	}
	return taken
}

// answer puts the proofs together again.
func (r *rehearsal) answer(wishes []*Wish, proofs map[line]memory.Proof) (map[string][]string, error) {
	answer := make(map[string][]string, len(wishes))
	var errs []error
	for _, w := range wishes {
		rules := make([]string, 0, len(w.Rules))
		for i, words := range w.Rules {
			p := proofs[line{of: w, index: i}]
			told, err := r.tell(words, p)
			if err != nil {
				errs = append(errs, &resource.NameError{Name: w.Name, Err: fmt.Errorf("rules[%d] %q: %w", i, words, err)})
				rules = nil
				break
			}
			rules = append(rules, told...)
		}
		if rules != nil {
			answer[w.Name] = rules
		}
	}
	return answer, errors.Join(errs...)
}

// tell returns how a proved rule is told. It is the text of iptables-save, and
// where that is another rule, the words of the user.
func (r *rehearsal) tell(words string, p memory.Proof) ([]string, error) {
	if p.Print == "" {
		return p.Texts, nil
	}
	if len(p.Texts) > 1 {
		return nil, errors.New("it stands for several rules, which iptables-save tells only in part; write one for each address")
	}
	told, err := r.told.Learn(p.Texts[0], p.Print, words)
	return []string{told}, err
}

// try tries lines of the wishes. It returns those wishes of which none was
// refused; the others are in the error.
func (r *rehearsal) try(ctx context.Context, wishes []*Wish, lines []line) ([]*Wish, map[line]memory.Proof, error) {
	var refusals error
	proofs, err := r.read(ctx, wishes, lines)
	if xtables.Refused(err) {
		standing, culprits, failed := r.sortOut(ctx, wishes, lines)
		if failed != nil {
			return nil, nil, failed
		}
		refusals = errors.Join(culprits...)
		bad, _ := resource.Split(refusals)
		wishes = filter(standing, func(w *Wish) bool { return bad[w.Name] == nil })
		lines = filter(lines, func(l line) bool { return slices.Contains(wishes, l.of) })
		proofs, err = r.read(ctx, standing, lines)
	}
	if err == nil {
		err = r.compare(ctx, wishes, proofs)
	}
	if err != nil {
		return nil, nil, errors.Join(refusals, err)
	}
	return wishes, proofs, refusals
}

// sortOut finds every rule that is refused. It costs a rehearsal for each
// halving of the rules around a bad one. It returns the wishes whose tables can
// be made at all.
func (r *rehearsal) sortOut(ctx context.Context, wishes []*Wish, lines []line) (standing []*Wish, errs []error, err error) {
	standing = wishes
	reject := func(w *Wish, err error) { errs = append(errs, &resource.NameError{Name: w.Name, Err: err}) }
	for _, table := range syntax.Tables {
		group := filter(wishes, func(w *Wish) bool { return w.Table == table })
		if len(group) == 0 {
			continue
		}
		s := sieve{r: r, wishes: group}
		if err := s.try(ctx, nil); xtables.Refused(err) {
			// Not even the empty chains and their jumps can be made.
			standing = filter(standing, func(w *Wish) bool { return w.Table != table })
			for _, w := range group {
				reject(w, fmt.Errorf("table %s of %s: %w", table, r.tool.Family, err))
			}
			continue
		}
		if err := s.sift(ctx, filter(lines, func(l line) bool { return l.of.Table == table })); err != nil {
			return nil, nil, err
		}
		for _, c := range s.culprits {
			reject(c.of, r.blame(c))
		}
	}
	return standing, errs, nil
}
