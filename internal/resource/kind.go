package resource

import (
	"context"
	"maps"
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
	all := make(map[string]string, len(a)+len(b))
	maps.Copy(all, a)
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
