package resource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// An Observation is what was seen of one name: nil and no error where nothing
// is there.
type Observation struct {
	Got any
	Err error
}

// A Change is one call of Apply, its shape hidden.
type Change struct {
	Name string
	Got  any
	Want any
}

// A Kind is a kind's verbs with the shape hidden. [Define] makes one.
type Kind struct {
	Name string
	Doc  string // one sentence or more, for vpnd explain
	Traits

	Recalls bool // it is a [Recaller]
	Gives   bool // it is a [Giver]
	Sights  bool // it is a [Sighter]
	Ahead   bool // it is a [Foreseer]

	shape       func() any
	observe     func(context.Context, map[string]any) map[string]Observation
	complete    func(name string, got any) error
	sight       func(ctx context.Context, names []string, wants []any) []Sighting
	lasts       func(got any, now time.Time) bool
	apply       func(context.Context, []Change) error
	remove      func(context.Context, []string) error
	refresh     func(context.Context, string, any, Effect) error
	check       func(context.Context, string, any) error
	preflight   func(context.Context, string, any, Prospect) error
	brings      func(name string, got, want any) (things []ID, may []string)
	from        func(any) []string
	recall      func(want, was any) any
	normalize   func(context.Context, map[string]any) (map[string]any, error)
	cost        func(name string, got, want any) Effect
	invalidates func(got, want any) string
	awaits      func(ctx context.Context, name string, got, want any) string
	given       func(want any) (string, map[string]string)
	differ      func(held, terms map[string]string) []string
	marked      func(name string, got any) bool
	tidy        func(name string, want any) error
	since       func(ctx context.Context, name string) (time.Time, error)
	advise      func(context.Context) []string
	foresee     func(context.Context, []string)
	watch       func(ctx context.Context, wants map[string]any, kick func(Hint)) error
	prepare     func(may bool)
	misses      func(before, now map[string]any) bool
}

// New returns a pointer to an empty shape.
func (k Kind) New() any { return k.shape() }

// Observe looks at every name, by the measure of what is wished of it, nil where
// nothing is; each has its answer.
func (k Kind) Observe(ctx context.Context, wants map[string]any) map[string]Observation {
	return k.observe(ctx, wants)
}

// Complete fills in what an observation left out; see [Completer].
func (k Kind) Complete(name string, got any) error { return k.complete(name, got) }

// Sight tells by little how things stand; see [Sighter].
func (k Kind) Sight(ctx context.Context, names []string, wants []any) []Sighting {
	return k.sight(ctx, names, wants)
}

// Lasts says whether time alone has not changed what was observed; see [Sighter].
func (k Kind) Lasts(got any, now time.Time) bool { return k.lasts(got, now) }

// Apply makes all changes in one go.
func (k Kind) Apply(ctx context.Context, changes []Change) error { return k.apply(ctx, changes) }

// Remove takes the things away in one go. What could not be removed is a
// [NameError].
func (k Kind) Remove(ctx context.Context, names ...string) error { return k.remove(ctx, names) }

// Refresh makes the reader take notice. It is an error where the kind reads
// nothing.
func (k Kind) Refresh(ctx context.Context, name string, want any, how Effect) error {
	return k.refresh(ctx, name, want, how)
}

// Check asks the program that will read the result. Without one, all is well.
func (k Kind) Check(ctx context.Context, name string, want any) error {
	return k.check(ctx, name, want)
}

// Preflight says what is missing on the host for the thing to come true; see
// [Preflighter].
func (k Kind) Preflight(ctx context.Context, name string, want any, plan Prospect) error {
	return k.preflight(ctx, name, want, plan)
}

// Brings names what comes with the thing; see [Bringer].
func (k Kind) Brings(name string, got, want any) (things []ID, may []string) {
	return k.brings(name, got, want)
}

// From names the resources that the wish is made from, of whatever kind.
func (k Kind) From(want any) []string { return k.from(want) }

// Recall returns the wish with what is on record of the thing; see [Recaller].
// was is nil where nothing is.
func (k Kind) Recall(want, was any) any { return k.recall(want, was) }

// Normalize returns the wishes as the host will say them back; those that it
// would refuse are missing, each with a [NameError].
func (k Kind) Normalize(ctx context.Context, wants map[string]any) (map[string]any, error) {
	return k.normalize(ctx, wants)
}

// Cost says what the change does to those who are connected.
func (k Kind) Cost(name string, got, want any) Effect { return k.cost(name, got, want) }

// Invalidates says what of others is void once the thing was made as wished; see
// [Voider].
func (k Kind) Invalidates(got, want any) string { return k.invalidates(got, want) }

// Awaits says what a person has to bring before the change can be made; see
// [Awaiter].
func (k Kind) Awaits(ctx context.Context, name string, got, want any) string {
	return k.awaits(ctx, name, got, want)
}

// Given returns to whom a thing is given, empty for nobody, and on what a copy has
// to agree; see [Giver].
func (k Kind) Given(want any) (to string, terms map[string]string) { return k.given(want) }

// Differing returns the terms, sorted, that are not the same.
func Differing(a, b map[string]string) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	maps.DeleteFunc(all, func(term, _ string) bool { return a[term] == b[term] })
	return slices.Sorted(maps.Keys(all))
}

// Differ returns, sorted, on which terms of a copy this host agrees no more; see
// [Keeping].
func (k Kind) Differ(held, terms map[string]string) []string { return k.differ(held, terms) }

// Marked says whether the host's own marks show that vpnd made the thing.
func (k Kind) Marked(name string, got any) bool { return k.marked(name, got) }

// Since returns since when the thing has been as it is, the zero time where the
// kind can't tell.
func (k Kind) Since(ctx context.Context, name string) (time.Time, error) { return k.since(ctx, name) }

// Tidy takes away what a killed run left half written; see [Tidier].
func (k Kind) Tidy(name string, want any) error { return k.tidy(name, want) }

// Foresee reads ahead what the next look will need; see [Foreseer].
func (k Kind) Foresee(ctx context.Context, names []string) { k.foresee(ctx, names) }

// Advise tells what people should know about the host.
func (k Kind) Advise(ctx context.Context) []string { return k.advise(ctx) }

// Watch hears of changes until ctx ends; see [Watcher]. Of a kind without
// events it returns nil at once: such a kind is polled.
func (k Kind) Watch(ctx context.Context, wants map[string]any, kick func(Hint)) error {
	return k.watch(ctx, wants, func(h Hint) { h.Kind = k.Name; kick(h) })
}

// MayPrepare says whether a [Preparer] may change the host by itself; of another kind it
// says nothing.
func (k Kind) MayPrepare(may bool) { k.prepare(may) }

// Misses says whether a Watch for the wishes before would miss what concerns
// those of now, so that it has to be called anew.
func (k Kind) Misses(before, now map[string]any) bool { return k.misses(before, now) }

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

// Clone returns a shallow copy of a shape: the struct is new, what its fields
// point to is shared and must not be written.
func Clone(shape any) any {
	v := reflect.ValueOf(shape).Elem()
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	return c.Interface()
}

// Lasting returns an observation as a wish that can be made true again: what
// vpnd computes of the moment (whether it is fresh, what a list holds) is left
// out, what it computes of the thing itself (the key, the text) stays, and so
// does how it stood to others.
func Lasting(shape any) any {
	c := Clone(shape)
	v := reflect.ValueOf(c).Elem()
	for _, f := range Fields(v.Type()) {
		if f.IsPredicate() && !f.Relative {
			v.Field(f.Index).SetZero()
		}
	}
	return c
}
