// Package derived is the verbs of files that are made from other files, and may
// no longer fit them: keys and what belongs beside them, certificates, lists,
// profiles.
package derived

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/hands"
	"vpnd/internal/resource"
)

// A Nature is what sets one kind of file here apart from the others.
type Nature[T any] struct {
	// Access returns where the shape says who may use the thing.
	Access func(*T) Access
	// Kept returns the bytes that a wish brings back, or nil.
	Kept func(*T) *string
	// Read tells what a file of that content is, measured by the wish.
	Read func(s *Scene, name string, data []byte, want T) (*T, error)
	// Build makes the content that the wish asks for out of what is there, nil
	// where nothing is. It is not called where bytes are kept.
	Build func(s *Scene, name string, data []byte, want T) (Product, error)
	// Settle fills in what the wish takes for granted, the predicates first of
	// all. It is not called where bytes are kept; then Waive is.
	Settle func(s *Scene, name string, want *T) error
	// Waive drops from the wish what can't be made true by bringing bytes back.
	Waive func(want *T)
	// Beside returns what stands beside a file of that content, or nil.
	Beside func(s *Scene, name string, data []byte) *Neighbour
	// MadeFrom names the files that building reads and whose change makes the
	// old one stale; it may be nil.
	MadeFrom func(want *T) []string
	// SourcesOf names the other files that decide whether this one is as it
	// shall be; a path that ends in / stands for all in that directory. It may be
	// nil.
	SourcesOf func(name string, want *T) []string
	// Voids says what is void where a new one takes the place of what was read,
	// nil where nothing is there; it may be nil. It is not called where bytes are
	// kept.
	Voids func(got, want *T) string
	Ages  bool // it runs out

	Memory *Memory[T] // what makes reading a file again needless; nil where nothing does
}

// Memory is how a file is told that was read before and has not changed since.
type Memory[T any] struct {
	Question string // of the essence, to the memo

	// Essence says in short what a file of that content is, false where that can't
	// be said.
	Essence func(s *Scene, data []byte, want T) (string, bool)
	// Tell is Read by the essence alone, without the bytes; nil where the wish asks
	// for more.
	Tell func(s *Scene, name, essence string, want T) (*T, error)
	// Bytes puts the bytes where the shape has them, which is where Kept returns them
	// from.
	Bytes func(got *T, data []byte)
	// Sure says whether what the file is depends on its sources and its own content
	// alone, the accounts of the host apart; nil where it never does.
	Sure func(want *T) bool
	// Lasts says whether time alone has not changed what was observed by the essence;
	// nil where it changes nothing.
	Lasts func(got *T, now time.Time) bool
	// Drop drops from the memo what was worked out of the content: the essence says
	// it as well.
	Drop func(s *Scene, data []byte, want T)
}

// A Product is what building yields.
type Product struct {
	First []atomic.File // to be on disk before the file itself
	Data  []byte
}

// A Neighbour is a file that belongs to another one.
type Neighbour struct {
	Path   string
	Data   []byte
	Stands bool // something stands there now
	Ours   bool // what stands there belongs to it
}

// Verbs are the verbs of every kind of file here. Whether a certificate belongs
// to its key is a question that only the wish can put; without one the
// predicates are false.
type Verbs[T any] struct {
	Host
	Nature[T]
}

// Since returns when the file was last changed.
func (v *Verbs[T]) Since(_ context.Context, name string) (time.Time, error) {
	info, err := atomic.Stat(v.Root, name)
	return info.Changed, err
}

// Invalidates says what is void once the file was made as wished.
func (v *Verbs[T]) Invalidates(got, want *T) string {
	if v.Voids == nil || v.Kept(want) != nil {
		return ""
	}
	return v.Voids(got, want)
}

// From names the files that the wish is made from.
func (v *Verbs[T]) From(want T) []string {
	if v.MadeFrom == nil {
		return nil
	}
	return v.MadeFrom(&want)
}

// Normalize fills in the predicates, which every wish wants true.
func (v *Verbs[T]) Normalize(_ context.Context, wants map[string]*T) (map[string]*T, error) {
	s, err := v.Scene()
	if err != nil {
		return nil, err
	}
	defer s.Leave()
	names := slices.Collect(maps.Keys(wants))
	all, errs := make([]*T, len(names)), make([]error, len(names))
	hands.Each(context.Background(), len(names), func(i int) {
		w := *wants[names[i]]
		v.Access(&w).Canonical(s.Names)
		if v.Kept(&w) != nil {
			v.Waive(&w)
		} else if err := v.Settle(s, names[i], &w); err != nil {
			errs[i] = &resource.NameError{Name: names[i], Err: err}
			return
		}
		all[i] = &w
	})
	normal := make(map[string]*T, len(wants))
	for i, w := range all {
		if w != nil {
			normal[names[i]] = w
		}
	}
	return normal, errors.Join(errs...)
}

// Observe looks at many files, with as many hands as there are processors: most
// of it is arithmetic.
func (v *Verbs[T]) Observe(ctx context.Context, wants map[string]*T) (map[string]*T, error) {
	s, err := v.Scene()
	if err != nil {
		return nil, err
	}
	defer s.Leave()
	defer v.Memo.Keep()
	names := slices.Collect(maps.Keys(wants))
	all, errs := make([]*T, len(names)), make([]error, len(names))
	hands.Each(ctx, len(names), func(i int) {
		var err error
		if all[i], err = v.observe(s, names[i], wants[names[i]]); err != nil {
			errs[i] = &resource.NameError{Name: names[i], Err: err}
		}
	})
	seen := make(map[string]*T, len(names))
	for i, got := range all {
		if got != nil {
			seen[names[i]] = got
		}
	}
	return seen, errors.Join(append(errs, ctx.Err())...)
}

func (v *Verbs[T]) observe(s *Scene, name string, want *T) (*T, error) {
	if want != nil && v.Memory != nil && v.Kept(want) == nil {
		return v.observeBy(s, name, *want)
	}
	got, _, err := v.read(s, name, resource.Or(want, *new(T)))
	return got, err
}

// observeBy observes a file by its essence, and reads it where that is not remembered,
// or more is asked for.
func (v *Verbs[T]) observeBy(s *Scene, name string, want T) (*T, error) {
	info, unseen := s.Look(name)
	if errors.Is(unseen, fs.ErrNotExist) {
		return nil, nil
	}
	if unseen == nil {
		if essence, still := s.Memo.Still(v.Memory.Question, name, info); still {
			if got, err := v.tell(s, name, essence, want, StatOf(info)); got != nil || err != nil {
				return got, err
			}
		}
	}
	got, data, err := v.read(s, name, want)
	if unseen != nil || err != nil || got == nil {
		return got, err
	}
	// What changed in between differs from the look before it.
	if essence, ok := v.Memory.Essence(s, data, want); ok && s.Memo.Saw(v.Memory.Question, name, info, s.Now, essence) {
		v.Memory.Drop(s, data, want)
	}
	return got, nil
}

func (v *Verbs[T]) tell(s *Scene, name, essence string, want T, now Stat) (*T, error) {
	got, err := v.Memory.Tell(s, name, essence, want)
	if got != nil {
		v.Access(got).Show(s.Names, now)
	}
	return got, err
}

// read observes a file by what it holds; nil where there is none.
func (v *Verbs[T]) read(s *Scene, name string, want T) (*T, []byte, error) {
	data, now, err := s.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	got, err := v.Nature.Read(s, name, data, want)
	if err != nil {
		return nil, nil, err
	}
	v.Access(got).Show(s.Names, now)
	return got, data, nil
}

// Complete reads the bytes of a file that was observed by what is remembered of it.
func (v *Verbs[T]) Complete(name string, got *T) error {
	if v.Memory == nil || v.Kept(got) != nil {
		return nil
	}
	data, _, err := v.Host.Read(name)
	if err != nil {
		return fmt.Errorf("reading it once more: %w", err)
	}
	v.Memory.Bytes(got, data)
	return nil
}

// Apply puts many files in place. Where only who may use a file changes, its content is
// left alone.
func (v *Verbs[T]) Apply(_ context.Context, items []resource.Item[T]) error {
	wishes := make([]wish, len(items))
	for i, item := range items {
		wishes[i] = wish{item.Name, v.Access(&item.Want), func(s *Scene, there []byte, stands bool) (Product, error) {
			return v.content(s, item, there, stands)
		}}
	}
	return v.place().put(wishes)
}

// content is what the file shall hold: what a wish brings back, what stands there
// already, or what is built.
func (v *Verbs[T]) content(s *Scene, item resource.Item[T], there []byte, stands bool) (Product, error) {
	if kept := v.Kept(&item.Want); kept != nil {
		return Product{Data: []byte(*kept)}, nil
	}
	if stands && item.Got != nil && fits(resource.Compare(item.Got, &item.Want)) {
		return Product{Data: there}, nil
	}
	return v.Build(s, item.Name, there, item.Want)
}

// fits says whether at most who may use a file is not as wished.
func fits(diffs []resource.Diff) bool {
	return !slices.ContainsFunc(diffs, func(d resource.Diff) bool { return !d.Meta || d.Computed })
}

func (v *Verbs[T]) place() place { return place{v.Host, v.Beside} }

// Standing returns what stands there now; nil where nothing does.
func (v *Verbs[T]) Standing(name string) ([]byte, *Stat, error) { return standing(name, v.Host.Read) }

// Remove removes files, and what belongs to them beside them.
func (v *Verbs[T]) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, v.place().remove)
}

// Tidy removes what a killed writer left beside the file, beside what belongs to
// it, and in the ledger that it is entered in.
func (v *Verbs[T]) Tidy(name string, want T) error { return v.place().tidy(name, v.from(name, &want)) }
