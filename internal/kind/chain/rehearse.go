package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vpnd/internal/resource"
)

// A rehearsal proves the wishes of one family.
type rehearsal struct {
	tool    *tool
	objects []object
	others  []spot
	told    *wordings
}

// rehearse returns the rules of each wish as they are told once they stand,
// without the wishes of which one was refused, each of which is in the error.
// Rules that are known to be accepted where they stand are not tried again.
func (v Verbs) rehearse(ctx context.Context, family string, wishes []*wish) (map[string][]string, error) {
	t, err := v.find(ctx, family)
	if missing(err) {
		return unproved(wishes), nil
	}
	if err != nil {
		return nil, err
	}
	others, err := t.others(wishes)
	if err != nil {
		return nil, err
	}
	r := &rehearsal{tool: t, others: others, told: v.wordings(t)}
	r.objects = objectsOf(allRules(wishes), func() string { return v.allSaved(ctx) })
	lines := linesOf(wishes)
	frame := script(wishes, others, filter(lines, line.leans))
	memory := v.memory(t, r.objects, frame)
	proofs := make(map[line]proof, len(lines))
	for _, l := range lines {
		if p, ok := memory.proof(l); ok {
			proofs[l] = p
		}
	}
	if len(proofs) == len(lines) && memory.valid {
		return r.answer(wishes, proofs)
	}
	unknown := filter(lines, func(l line) bool { _, ok := proofs[l]; return !ok || l.leans() })
	good, fresh, err := r.prove(ctx, wishes, unknown)
	maps.Copy(proofs, fresh)
	answer, bad := r.answer(good, proofs)
	if err == nil && bad == nil {
		again := inWordsOf(answer, wishes)
		memory.keep([2]string{frame, script(again, others, filter(linesOf(again), line.leans))}, wishes, proofs)
	}
	return answer, errors.Join(err, bad)
}

// inWordsOf returns the wishes as they are told.
func inWordsOf(answer map[string][]string, wishes []*wish) []*wish {
	again := make([]*wish, len(wishes))
	for i, w := range wishes {
		read := *w
		read.rules = answer[w.name]
		again[i] = &read
	}
	return again
}

func allRules(wishes []*wish) []string {
	var rules []string
	for _, w := range wishes {
		rules = append(rules, w.rules...)
	}
	return rules
}

// unproved takes the wishes at their word; the engine asks again once iptables
// is there.
func unproved(wishes []*wish) map[string][]string {
	taken := make(map[string][]string, len(wishes))
	for _, w := range wishes {
		taken[w.name] = w.rules
	}
	return taken
}

func refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

// answer puts the proofs together again.
func (r *rehearsal) answer(wishes []*wish, proofs map[line]proof) (map[string][]string, error) {
	answer := make(map[string][]string, len(wishes))
	var errs []error
	for _, w := range wishes {
		rules := make([]string, 0, len(w.rules))
		for i, words := range w.rules {
			p := proofs[line{of: w, index: i}]
			told, err := r.tell(words, p)
			if err != nil {
				errs = append(errs, &resource.NameError{Name: w.name, Err: fmt.Errorf("rules[%d] %q: %w", i, words, err)})
				rules = nil
				break
			}
			rules = append(rules, told...)
		}
		if rules != nil {
			answer[w.name] = rules
		}
	}
	return answer, errors.Join(errs...)
}

// tell returns how a proved rule is told. It is the text of iptables-save, and
// where that is another rule, the words of the user.
func (r *rehearsal) tell(words string, p proof) ([]string, error) {
	if p.print == "" {
		return p.texts, nil
	}
	if len(p.texts) > 1 {
		return nil, errors.New("it stands for several rules, which iptables-save tells only in part; write one for each address")
	}
	told, err := r.told.learn(reading{text: p.texts[0], print: p.print}, words)
	return []string{told}, err
}

// prove tries lines of the wishes. It returns those wishes of which none was
// refused; the others are in the error.
func (r *rehearsal) prove(ctx context.Context, wishes []*wish, lines []line) ([]*wish, map[line]proof, error) {
	var refusals error
	proofs, err := r.read(ctx, wishes, lines)
	if refused(err) {
		standing, culprits, failed := r.sortOut(ctx, wishes, lines)
		if failed != nil {
			return nil, nil, failed
		}
		refusals = errors.Join(culprits...)
		bad, _ := resource.Split(refusals)
		wishes = filter(standing, func(w *wish) bool { return bad[w.name] == nil })
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
func (r *rehearsal) sortOut(ctx context.Context, wishes []*wish, lines []line) (standing []*wish, errs []error, err error) {
	standing = wishes
	reject := func(w *wish, err error) { errs = append(errs, &resource.NameError{Name: w.name, Err: err}) }
	for _, table := range tables {
		group := filter(wishes, func(w *wish) bool { return w.table == table })
		if len(group) == 0 {
			continue
		}
		s := sieve{r: r, wishes: group}
		if err := s.try(ctx, nil); refused(err) {
			// Not even the empty chains and their jumps can be made.
			standing = filter(standing, func(w *wish) bool { return w.table != table })
			for _, w := range group {
				reject(w, fmt.Errorf("table %s of %s: %w", table, r.tool.family, err))
			}
			continue
		}
		if err := s.sift(ctx, filter(lines, func(l line) bool { return l.of.table == table })); err != nil {
			return nil, nil, err
		}
		for _, c := range s.culprits {
			reject(c.of, r.blame(c))
		}
	}
	return standing, errs, nil
}
