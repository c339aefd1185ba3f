package chain

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/proof"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
)

// Normalize proves the chains and says them in the words of the kernel: they
// are restored, jumps and all, in a network namespace of their own and read
// back. A chain that holds a rule which iptables or the kernel refuses is left
// out, with an error that names the rule. Proving needs root.
func (v Verbs) Normalize(ctx context.Context, wants map[string]*Chain) (map[string]*Chain, error) {
	var errs []error
	families := make(map[string][]*proof.Wish)
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		w, err := newWish(name, *wants[name])
		if err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		families[w.Family] = append(families[w.Family], w)
	}
	p := proof.Prover{Find: v.find, Cache: v.Cache, Looks: v.Looks}
	normal := make(map[string]*Chain, len(wants))
	for _, family := range slices.Sorted(maps.Keys(families)) {
		proved, err := p.Prove(ctx, family, families[family])
		errs = append(errs, err)
		for _, w := range families[family] {
			if rules, ok := proved[w.Name]; ok {
				normal[w.Name] = &Chain{Hook: resource.Ptr(w.Hook), At: resource.Ptr(w.At), Priority: wants[w.Name].Priority, Order: wants[w.Name].Order, Rules: rules, written: w.Rules}
			}
		}
	}
	return normal, errors.Join(errs...)
}

func newWish(name string, want Chain) (*proof.Wish, error) {
	s, err := syntax.Parse(name)
	if err != nil {
		return nil, err
	}
	w := &proof.Wish{Spot: s, Name: name, Rules: want.lines()}
	w.Hook, w.At = want.place()
	// What was observed may hold a place that can't be asked for, so only what
	// is left of it is judged.
	judged := Chain{Hook: &w.Hook, Rules: w.Rules}
	if w.Hook == "" {
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
