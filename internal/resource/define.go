package resource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Define makes a kind of what it is and of its verbs. It is the only place that
// hides the shape.
func Define[T any](name, doc string, is Traits, v Verbs[T]) Kind {
	k := bare(name, doc, is)
	k.shape, k.observe, k.apply, k.remove = func() any { return new(T) }, observer(v), applier(v), v.Remove
	k.learn(v)
	if c, ok := v.(Completer[T]); ok {
		k.complete = func(name string, got any) error {
			if got == nil {
				return nil
			}
			return c.Complete(name, got.(*T))
		}
	}
	if s, ok := v.(Sighter[T]); ok {
		k.Sights = true
		k.sight = func(ctx context.Context, names []string, wants []any) []Sighting {
			all := make([]*T, len(wants))
			for i, want := range wants {
				all[i] = typed[T](want)
			}
			return s.Sight(ctx, names, all)
		}
		k.lasts = func(got any, now time.Time) bool { return s.Lasts(got.(*T), now) }
	}
	if r, ok := v.(Refresher[T]); ok {
		k.refresh = func(ctx context.Context, name string, want any, how Effect) error {
			return r.Refresh(ctx, name, *want.(*T), how)
		}
	}
	if c, ok := v.(Checker[T]); ok {
		k.check = func(ctx context.Context, name string, want any) error { return c.Check(ctx, name, *want.(*T)) }
	}
	if p, ok := v.(Preflighter[T]); ok {
		k.preflight = func(ctx context.Context, name string, want any, plan Prospect) error {
			return p.Preflight(ctx, name, *want.(*T), plan)
		}
	}
	if b, ok := v.(Bringer[T]); ok {
		k.brings = func(name string, got, want any) ([]ID, []string) {
			return b.Brings(name, typed[T](got), typed[T](want))
		}
	}
	if d, ok := v.(Deriver[T]); ok {
		k.from = func(want any) []string { return d.From(*want.(*T)) }
	}
	if r, ok := v.(Recaller[T]); ok {
		k.Recalls = true
		k.recall = func(want, was any) any {
			if was == nil {
				return want
			}
			recalled := r.Recall(*want.(*T), *was.(*T))
			return &recalled
		}
	}
	if n, ok := v.(Normalizer[T]); ok {
		k.normalize = normalizer(n)
	}
	if c, ok := v.(Coster[T]); ok {
		k.cost = func(name string, got, want any) Effect { return c.Cost(name, typed[T](got), typed[T](want)) }
	}
	if o, ok := v.(Voider[T]); ok {
		k.invalidates = func(got, want any) string { return o.Invalidates(typed[T](got), typed[T](want)) }
	}
	if a, ok := v.(Awaiter[T]); ok {
		k.awaits = func(ctx context.Context, name string, got, want any) string {
			return a.Awaits(ctx, name, typed[T](got), typed[T](want))
		}
	}
	if g, ok := v.(Giver[T]); ok {
		k.Gives = true
		k.given = func(want any) (string, map[string]string) { return g.Given(*want.(*T)) }
	}
	if d, ok := v.(Keeping); ok {
		k.differ = d.Differ
	}
	if m, ok := v.(Marker[T]); ok {
		k.marked = func(name string, got any) bool { return m.Marked(name, typed[T](got)) }
	}
	if t, ok := v.(Tidier[T]); ok {
		k.tidy = func(name string, want any) error { return t.Tidy(name, *want.(*T)) }
	}
	if w, ok := v.(WishWatcher[T]); ok {
		k.watch = func(ctx context.Context, wants map[string]any, kick func(Hint)) error {
			return w.WatchWishes(ctx, allTyped[T](wants), kick)
		}
		k.misses = func(before, now map[string]any) bool { return !maps.EqualFunc(before, now, Equal) }
	}
	return k
}

// bare is a kind that can do nothing. Neither this nor [Kind.learn] is made once for each
// shape, as what follows from one is.
func bare(name, doc string, is Traits) Kind {
	return Kind{
		Name:        name,
		Doc:         doc,
		Traits:      is,
		complete:    func(string, any) error { return nil },
		sight:       func(context.Context, []string, []any) []Sighting { return nil },
		lasts:       func(any, time.Time) bool { return false },
		refresh:     func(context.Context, string, any, Effect) error { return fmt.Errorf("a %s reads nothing", name) },
		check:       func(context.Context, string, any) error { return nil },
		preflight:   func(context.Context, string, any, Prospect) error { return nil },
		brings:      func(string, any, any) ([]ID, []string) { return nil, nil },
		from:        func(any) []string { return nil },
		recall:      func(want, _ any) any { return want },
		normalize:   func(_ context.Context, wants map[string]any) (map[string]any, error) { return wants, nil },
		cost:        func(string, any, any) Effect { return None },
		invalidates: func(any, any) string { return "" },
		awaits:      func(context.Context, string, any, any) string { return "" },
		given:       func(any) (string, map[string]string) { return "", nil },
		marked:      func(string, any) bool { return false },
		tidy:        func(string, any) error { return nil },
		since:       func(context.Context, string) (time.Time, error) { return time.Time{}, nil },
		advise:      func(context.Context) []string { return nil },
		differ:      Differing,
		foresee:     func(context.Context, []string) {},
		watch:       func(context.Context, map[string]any, func(Hint)) error { return nil },
		prepare:     func(bool) {},
		misses: func(before, now map[string]any) bool {
			return !maps.EqualFunc(before, now, func(_, _ any) bool { return true })
		},
	}
}

// learn finds the verbs that are the same whatever the shape.
func (k *Kind) learn(v any) {
	if d, ok := v.(Dater); ok {
		k.since = d.Since
	}
	if w, ok := v.(Watcher); ok {
		k.watch = func(ctx context.Context, wants map[string]any, kick func(Hint)) error {
			return w.Watch(ctx, slices.Sorted(maps.Keys(wants)), kick)
		}
	}
	if p, ok := v.(Preparer); ok {
		k.prepare = p.MayPrepare
	}
	if a, ok := v.(Adviser); ok {
		k.advise = a.Advise
	}
	if f, ok := v.(Foreseer); ok {
		k.Ahead, k.foresee = true, f.Foresee
	}
}

// typed turns an erased shape back; an untyped nil is a nil pointer.
func typed[T any](v any) *T {
	t, _ := v.(*T)
	return t
}

func allTyped[T any](shapes map[string]any) map[string]*T {
	all := make(map[string]*T, len(shapes))
	for name, v := range shapes {
		all[name] = typed[T](v)
	}
	return all
}

// erased hides a shape and keeps a nil pointer an untyped nil.
func erased[T any](v *T) any {
	if v == nil {
		return nil
	}
	return v
}

func observer[T any](v Verbs[T]) func(context.Context, map[string]any) map[string]Observation {
	return func(ctx context.Context, wants map[string]any) map[string]Observation {
		got, err := v.Observe(ctx, allTyped[T](wants))
		return observations(wants, got, err)
	}
}

// observations gives each name its own part of an answer about many.
func observations[T any](wants map[string]any, got map[string]*T, err error) map[string]Observation {
	return apart(wants, err, func(name string) any { return erased(got[name]) })
}

func apart(wants map[string]any, err error, got func(name string) any) map[string]Observation {
	failed, general := Split(err)
	seen := make(map[string]Observation, len(wants))
	for name := range wants {
		seen[name] = Observation{Got: got(name), Err: errors.Join(general, failed[name])}
	}
	return seen
}

func applier[T any](v Verbs[T]) func(context.Context, []Change) error {
	return func(ctx context.Context, changes []Change) error {
		items := make([]Item[T], len(changes))
		for i, c := range changes {
			items[i] = Item[T]{Name: c.Name, Got: typed[T](c.Got), Want: *c.Want.(*T)}
		}
		return v.Apply(ctx, items)
	}
}

func normalizer[T any](n Normalizer[T]) func(context.Context, map[string]any) (map[string]any, error) {
	return func(ctx context.Context, wants map[string]any) (map[string]any, error) {
		out, err := n.Normalize(ctx, allTyped[T](wants))
		normal := make(map[string]any, len(out))
		for name, want := range out {
			normal[name] = want
		}
		return normal, err
	}
}
