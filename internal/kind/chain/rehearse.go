package chain

import (
	"context"
	"errors"
	"fmt"

	"vpnd/internal/resource"
)

// A rehearsal proves the wishes of one family.
type rehearsal struct {
	tool   *tool
	sets   []ipset
	others []spot
}

// rehearse returns the rules of each wish as read back, without those that
// were refused, each of which is in the error.
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
	var rules []string
	for _, w := range wishes {
		rules = append(rules, w.rules...)
	}
	r := &rehearsal{tool: t, sets: setsOf(rules), others: others}
	input := script(wishes, others, linesOf(wishes))
	memory := v.memory(t, r.sets)
	if text, ok := memory.recall(input); ok {
		return readBack(text, wishes)
	}
	text, err := t.scratch(ctx, r.sets, input)
	if refused(err) {
		return r.sortOut(ctx, wishes)
	}
	if err != nil {
		return nil, err
	}
	proved, err := readBack(text, wishes)
	if err == nil {
		again := inWordsOf(proved, wishes)
		memory.keep(input, script(again, others, linesOf(again)), text)
	}
	return proved, err
}

// inWordsOf returns the wishes as they were read back.
func inWordsOf(proved map[string][]string, wishes []*wish) []*wish {
	again := make([]*wish, len(wishes))
	for i, w := range wishes {
		read := *w
		read.rules = proved[w.name]
		again[i] = &read
	}
	return again
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

// readBack takes the wished chains out of a dump.
func readBack(text string, wishes []*wish) (map[string][]string, error) {
	d := parseDump(text)
	proved := make(map[string][]string, len(wishes))
	for _, w := range wishes {
		t := d.table(w.table)
		if !t.has(w.chain) {
			return nil, fmt.Errorf("chain %s of table %s was proved and can't be read back; please report this with its rules", w.chain, w.table)
		}
		proved[w.name] = t.chains[w.chain]
	}
	return proved, nil
}

// sortOut finds every rule that is refused, and proves the chains that have
// none. It costs a rehearsal for each halving of the rules around a bad one.
func (r *rehearsal) sortOut(ctx context.Context, wishes []*wish) (map[string][]string, error) {
	var errs []error
	standing := wishes
	bad := make(map[*wish]bool)
	reject := func(w *wish, err error) {
		bad[w] = true
		errs = append(errs, &resource.NameError{Name: w.name, Err: err})
	}
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
		if err := s.sift(ctx, linesOf(group)); err != nil {
			return nil, err
		}
		for _, c := range s.culprits {
			reject(c.of, r.blame(c))
		}
	}
	good := filter(standing, func(w *wish) bool { return !bad[w] })
	text, err := r.tool.scratch(ctx, r.sets, script(standing, r.others, linesOf(good)))
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	proved, err := readBack(text, good)
	return proved, errors.Join(append(errs, err)...)
}
