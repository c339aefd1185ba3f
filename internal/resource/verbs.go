package resource

import (
	"context"
	"time"
)

// Verbs are what a kind can do; T is its shape. Each is about many things of the
// kind at once, for the price of one where the host has it so: one reading, one
// transaction, one flush to disk. What concerns one of them is a [NameError],
// joined with others, and keeps the others from nothing.
type Verbs[T any] interface {
	// Observe returns what is on the host under these names, nothing in it nil or
	// left out, unless a [Completer] fills it in; names that are not there are not in
	// the answer. It changes nothing.
	// Each name comes with what is wished of it, nil where nothing is: by that a
	// kind measures what can't be told without, such as whether a certificate
	// belongs to its key. Without a wish no predicate is true. It remembers nothing
	// of the wishes, so that looks with different ones may run at the same time.
	Observe(ctx context.Context, wants map[string]*T) (map[string]*T, error)
	// Apply makes the host as the items say. After an error the caller looks again
	// to learn what was done.
	Apply(ctx context.Context, items []Item[T]) error
	// Remove takes things away. That one is not there is no error.
	Remove(ctx context.Context, names []string) error
}

// An Item is one thing of an Apply: what Observe just said of it, nil where there
// was nothing, and what it shall be.
type Item[T any] struct {
	Name string
	Got  *T
	Want T
}

// What follows are verbs that a kind may have besides; [Define] finds them.

// A Refresher can make a reader take notice of what it reads.
type Refresher[T any] interface {
	Refresh(ctx context.Context, name string, want T, how Effect) error
}

// A Checker asks the program that will read the result whether it would accept
// it. It is called before the host is touched, and writes nothing there.
type Checker[T any] interface {
	Check(ctx context.Context, name string, want T) error
}

// A Deriver is made from other resources, as a certificate is from keys. From
// names those of a wish: it is applied after them and follows their changes.
type Deriver[T any] interface {
	From(want T) []string
}

// A Completer leaves out of what it observes, by the measure of a wish that does not
// ask for it, what would have to be read though nothing has changed: the bytes of ten
// thousand files. Complete fills that in, where it has to be kept.
type Completer[T any] interface {
	Complete(name string, got *T) error
}

// A Sighter tells by little whether things stand as they stood, by what the kernel says
// of files and without reading one: of ten thousand that nobody touched, an agent need
// not find out anew what they are.
type Sighter[T any] interface {
	// Sight returns a sighting of each name, by the wish before it is normalised. Where a
	// later one of the same wish is equal, all that Normalize and Observe rested on in
	// between is as it was, and they would say the same once more. Of what can't be told
	// by little there is none, and of what has changed only just now: it may change
	// again without a trace. nil is none of any.
	Sight(ctx context.Context, names []string, wants []*T) []Sighting
	// Lasts says whether what was observed to be as it shall be is not made otherwise
	// by time alone.
	Lasts(got *T, now time.Time) bool
}

// A Sighting is how a thing, and all that it rests on, stands, in short. The zero one
// is none.
type Sighting [32]byte

// A Normalizer turns wishes into the words in which the host will say them
// back, all of a kind at once, and so proves them. What it can't accept it
// leaves out and reports as a [NameError], joined with others. It changes
// nothing on the host.
type Normalizer[T any] interface {
	Normalize(ctx context.Context, wants map[string]*T) (map[string]*T, error)
}

// A Recaller knows of a thing what the host may have forgotten since: whom a
// list barred that is lost. Recall returns the wish with what was on record when
// it was last applied, of which only the attributes that are memory are given. It
// is called before the wish is normalised.
type Recaller[T any] interface {
	Recall(want, was T) T
}

// A Coster says what applying a change does to those who are connected. A nil
// got is a creation, a nil want a removal. Kinds without it cost nothing.
type Coster[T any] interface {
	Cost(name string, got, want *T) Effect
}

// A Voider makes things of which others hold the other half, as a certificate is
// of its CA's key. Invalidates says in words what is worth nothing any more once got,
// nil where nothing is there, was made as wished; it is empty where nobody
// outside of the host would notice. What nothing is on record of is new, and invalidates
// nothing, but for a kind that finds on the host that it must have been there.
type Voider[T any] interface {
	Invalidates(got, want *T) string
}

// An Awaiter may need what only a person can bring, such as a signature, or a key
// that is kept elsewhere. Awaits says in words what that is for a change from got,
// nil where nothing is there; it is empty where the change can be made now. What
// waits is left as it is, and what is missing and needs it waits with it.
type Awaiter[T any] interface {
	Awaits(ctx context.Context, name string, got, want *T) string
}

// A Giver makes things that are given to somebody, who has a copy from then on, as
// a person has of a profile. Given returns to whom, empty for nobody, and in words
// what the copy has to agree on with this host: where that changes, it is void. It
// is asked with a wish, and with what is on record of one, where what it reads has
// to be memory.
type Giver[T any] interface {
	Given(want T) (to string, terms map[string]string)
}

// A Keeping is a [Giver] of things of which a copy may stay good though its terms are told
// otherwise. Differ returns, sorted, on which of the terms of a copy this host agrees no
// more. Without it, it is all that are not the same.
type Keeping interface {
	Differ(held, terms map[string]string) []string
}

// A Marker can tell by marks on the host itself (a name of its own, a header
// line) that vpnd made the thing, so that it is not taken for somebody else's
// when the state was lost.
type Marker[T any] interface {
	Marked(name string, got *T) bool
}

// A Dater knows since when a thing has been as it is: a file since it was last
// written, a service since it last started or read its files again. Of what is
// on its way that is now. So a repair need not make a service restart that never
// read what was wrong.
type Dater interface {
	Since(ctx context.Context, name string) (time.Time, error)
}

// A Tidier takes away what a killed run left half written beside a thing, and no
// shape shows. It is called where the thing stands as it shall after its last
// touch was cut short. Of a thing that left, want is what was asked for, as far as
// that is on record.
type Tidier[T any] interface {
	Tidy(name string, want T) error
}

// A Watcher hears of changes on the host as they happen. Watch kicks once with
// an empty Hint when it listens, since what happened before went unheard; then
// it calls kick, from any goroutine, for each event that may concern one of the
// names, and returns nil when ctx ends. Events only say "look now": false ones
// cost a look, and after a lost one (an overflow, a lost connection) Watch kicks
// with an empty Hint again or returns an error, and is called again. Of which kind a
// hint is, [Kind.Watch] puts on it.
type Watcher interface {
	Watch(ctx context.Context, names []string, kick func(Hint)) error
}

// A WishWatcher is a [Watcher] that hears of more than the names: also of what
// the wishes rest on, as a certificate on its key. It is called again when the
// wishes change.
type WishWatcher[T any] interface {
	WatchWishes(ctx context.Context, wants map[string]*T, kick func(Hint)) error
}

// A Hint is where to look, and who was there, as far as the kernel tells.
type Hint struct {
	Kind string // empty means everywhere
	Name string // empty means the whole kind
	By   string // the program that made the change, as in "iptables (process 4711)"; empty where unknown
}

// A Preparer is ready for what may come: it keeps something going on the host besides
// what it is asked to apply, as a standby. It does so only while it may, which is not
// where the host is only looked at, and not before it is told.
type Preparer interface {
	MayPrepare(may bool)
}

// A Foreseer reads what the next look at these things, which are on record, will
// need, while nobody knows yet what is wished of them. That look makes sure that
// nothing has changed since, and tells what goes wrong. Foresee changes nothing.
type Foreseer interface {
	Foresee(ctx context.Context, names []string)
}

// An Adviser tells what people should know about the host besides what can be
// wished for, a sentence each. It changes nothing.
type Adviser interface {
	Advise(ctx context.Context) []string
}
