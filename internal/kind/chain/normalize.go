package chain

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// Normalize proves the chains and says them in the words of the kernel: they
// are restored, jumps and all, in a network namespace of their own and read
// back. A chain that holds a rule which iptables or the kernel refuses is left
// out, with an error that names the rule. Proving needs root.
func (v Verbs) Normalize(ctx context.Context, wants map[string]*Chain) (map[string]*Chain, error) {
	var errs []error
	families := make(map[string][]*wish)
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		w, err := newWish(name, *wants[name])
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		families[w.family] = append(families[w.family], w)
	}
	normal := make(map[string]*Chain, len(wants))
	for _, family := range slices.Sorted(maps.Keys(families)) {
		proved, err := v.rehearse(ctx, family, families[family])
		errs = append(errs, err)
		for _, w := range families[family] {
			if rules, ok := proved[w.name]; ok {
				normal[w.name] = &Chain{Hook: resource.Ptr(w.hook), At: resource.Ptr(w.at), Priority: wants[w.name].Priority, Order: wants[w.name].Order, Rules: rules, written: w.rules}
			}
		}
	}
	return normal, errors.Join(errs...)
}

// A wish is a chain to be proved.
type wish struct {
	spot
	name     string
	hook, at string
	rules    []string
}

func newWish(name string, want Chain) (*wish, error) {
	s, err := parse(name)
	if err != nil {
		return nil, err
	}
	w := &wish{spot: s, name: name, rules: want.lines()}
	w.hook, w.at = want.place()
	// What was observed may hold a place that can't be asked for, so only what
	// is left of it is judged.
	judged := Chain{Hook: &w.hook, Rules: w.rules}
	if w.hook == "" {
		judged.Hook = nil
	}
	var found []string
	for _, m := range judged.Validate(name) {
		found = append(found, m.Summary+"; "+m.Hint)
	}
	if len(found) > 0 {
		return nil, errors.New(strings.Join(found, ", "))
	}
	return w, nil
}

// A line is one rule of a wish.
type line struct {
	of    *wish
	index int
}

func linesOf(wishes []*wish) []line {
	var lines []line
	for _, w := range wishes {
		for i := range w.rules {
			lines = append(lines, line{of: w, index: i})
		}
	}
	return lines
}

// script returns the input of iptables-restore that makes the chains, with
// others that they lead to, and of their rules only the lines.
func script(wishes []*wish, others []spot, lines []line) string {
	return scriptOf(wishes, others, lines, false)
}

// scriptOf is script, with marks behind the lines that may become several rules
// where it is to be seen which did.
func scriptOf(wishes []*wish, others []spot, lines []line, marked bool) string {
	declared := make(map[string][]string)
	bodies := make(map[string][]string)
	for _, o := range others {
		declared[o.table] = append(declared[o.table], ":"+o.chain+" - [0:0]")
	}
	for _, w := range wishes {
		declared[w.table] = append(declared[w.table], ":"+w.chain+" - [0:0]")
		switch {
		case w.hook == "":
		case w.at == bottom:
			bodies[w.table] = append(bodies[w.table], "-A "+w.hook+" "+bottomJump(w.chain))
		default:
			bodies[w.table] = append(bodies[w.table], "-A "+w.hook+" "+topJump(w.chain))
		}
	}
	for _, l := range lines {
		bodies[l.of.table] = append(bodies[l.of.table], "-A "+l.of.chain+" "+l.words())
		if marked && multiplies(l.words()) {
			bodies[l.of.table] = append(bodies[l.of.table], "-A "+l.of.chain+" "+end)
		}
	}
	var b strings.Builder
	for _, table := range tables {
		if len(declared[table]) == 0 {
			continue
		}
		b.WriteString("*" + table + "\n")
		for _, text := range slices.Concat(declared[table], bodies[table]) {
			b.WriteString(text + "\n")
		}
		b.WriteString("COMMIT\n")
	}
	return b.String()
}
