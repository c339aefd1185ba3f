package pki

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// nature is what sets one kind of file here apart from the others.
type nature[T any] struct {
	access func(*T) access
	// kept returns the bytes that a wish brings back, or nil.
	kept func(*T) *string
	// read tells what a file of that content is, measured by the wish.
	read func(s *scene, name string, data []byte, want T) (*T, error)
	// build makes the content that the wish asks for out of what is there, nil
	// where nothing is. It is not called where bytes are kept.
	build func(s *scene, name string, data []byte, want T) (product, error)
	// settle fills in what the wish takes for granted, the predicates first of
	// all. It is not called where bytes are kept; then waive is.
	settle func(s *scene, name string, want *T) error
	// waive drops from the wish what can't be made true by bringing bytes back.
	waive func(want *T)
	// beside returns what stands beside a file of that content, or nil.
	beside func(s *scene, name string, data []byte) *neighbour
	// madeFrom names the files that building reads and whose change makes the
	// old one stale; it may be nil.
	madeFrom func(want *T) []string
	// sourcesOf names the other files that decide whether this one is as it
	// shall be; a path that ends in / stands for all in that directory. It may be
	// nil.
	sourcesOf func(name string, want *T) []string
	// invalidates says what is void where a new one takes the place of what was read,
	// nil where nothing is there; it may be nil. It is not called where bytes are
	// kept.
	invalidates func(got, want *T) string
	ages        bool // it runs out
}

// product is what building yields.
type product struct {
	first []atomic.File // to be on disk before the file itself
	data  []byte
}

// neighbour is a file that belongs to another one.
type neighbour struct {
	path   string
	data   []byte
	stands bool // something stands there now
	ours   bool // what stands there belongs to it
}

// verbs are the verbs of every kind of file here. Whether a certificate belongs
// to its key is a question that only the wish can put; without one the
// predicates are false.
type verbs[T any] struct {
	Host
	nature[T]
}

// Since returns when the file was last changed.
func (v *verbs[T]) Since(_ context.Context, name string) (time.Time, error) {
	info, err := atomic.Stat(v.Root, name)
	return info.Changed, err
}

// Invalidates says what is void once the file was made as wished.
func (v *verbs[T]) Invalidates(got, want *T) string {
	if v.invalidates == nil || v.kept(want) != nil {
		return ""
	}
	return v.invalidates(got, want)
}

// From names the files that the wish is made from.
func (v *verbs[T]) From(want T) []string {
	if v.madeFrom == nil {
		return nil
	}
	return v.madeFrom(&want)
}

// Normalize fills in the predicates, which every wish wants true.
func (v *verbs[T]) Normalize(_ context.Context, wants map[string]*T) (map[string]*T, error) {
	s, err := v.scene()
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*T, len(wants))
	var errs []error
	for name, want := range wants {
		w := *want
		v.access(&w).canonical(s.names)
		if v.kept(&w) != nil {
			v.waive(&w)
		} else if err := v.settle(s, name, &w); err != nil {
			errs = append(errs, &resource.NameError{Name: name, Err: err})
			continue
		}
		normal[name] = &w
	}
	return normal, errors.Join(errs...)
}

// Observe looks at many files, with as many hands as there are processors: most
// of it is arithmetic.
func (v *verbs[T]) Observe(ctx context.Context, wants map[string]*T) (map[string]*T, error) {
	s, err := v.scene()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var errs []error
	seen := make(map[string]*T, len(wants))
	queue := make(chan string)
	var hands sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(wants)) {
		hands.Go(func() {
			for name := range queue {
				got, err := v.observe(s, name, resource.Or(wants[name], *new(T)))
				mu.Lock()
				if err != nil {
					errs = append(errs, &resource.NameError{Name: name, Err: err})
				} else if got != nil {
					seen[name] = got
				}
				mu.Unlock()
			}
		})
	}
	for name := range wants {
		if ctx.Err() != nil {
			break
		}
		queue <- name
	}
	close(queue)
	hands.Wait()
	return seen, errors.Join(append(errs, ctx.Err())...)
}

func (v *verbs[T]) observe(s *scene, name string, want T) (*T, error) {
	data, now, err := v.Host.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	got, err := v.nature.read(s, name, data, want)
	if err != nil {
		return nil, err
	}
	v.access(got).show(s.names, now)
	return got, nil
}

// Apply puts many files in place: first what must be on disk before them,
// with one flush, and then they themselves, with another. Where only who may
// use a file changes, its content is left alone.
func (v *verbs[T]) Apply(_ context.Context, items []resource.Item[T]) error {
	s, err := v.scene()
	if err != nil {
		return err
	}
	var first, then []atomic.File
	var errs []error
	for _, item := range items {
		p, err := v.apply(s, item)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: err})
			continue
		}
		first, then = append(first, p.first...), append(then, p.then...)
	}
	err = atomic.WriteAll(v.Root, first)
	if err == nil {
		err = atomic.WriteAll(v.Root, then)
	}
	return errors.Join(append(errs, perName(err))...)
}

// written is what one item comes to.
type written struct{ first, then []atomic.File }

func (v *verbs[T]) apply(s *scene, item resource.Item[T]) (written, error) {
	data, now, err := v.current(item.Name)
	if err != nil {
		return written{}, err
	}
	p := product{data: data}
	if kept := v.kept(&item.Want); kept != nil {
		p.data = []byte(*kept)
	} else if !fits(item) {
		if p, err = v.build(s, item.Name, data, item.Want); err != nil {
			return written{}, err
		}
	}
	f, err := target(s.names, item.Name, p.data, v.access(&item.Want), now)
	if err != nil {
		return written{}, err
	}
	n := v.besideOf(s, item.Name, p.data)
	if n != nil && now == nil && n.stands && !n.ours {
		return written{}, fmt.Errorf("%s stands there already and belongs to something else; move it away, or choose another path", n.path)
	}
	w := written{first: p.first}
	if now == nil || string(data) != string(p.data) {
		w.then = append(w.then, f)
	} else if err := atomic.Own(v.Root, f.Path, f.Mode, f.UID, f.GID); err != nil {
		return written{}, err
	}
	if n != nil && !n.ours {
		w.then = append(w.then, atomic.File{Path: n.path, Data: n.data, Mode: 0o644, UID: f.UID, GID: f.GID})
	}
	return w, nil
}

func (v *verbs[T]) besideOf(s *scene, name string, data []byte) *neighbour {
	if v.beside == nil {
		return nil
	}
	return v.beside(s, name, data)
}

// current returns what stands there now; nil where nothing does.
func (v *verbs[T]) current(name string) ([]byte, *stat, error) {
	data, now, err := v.Host.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	return data, &now, err
}

// fits says whether at most who may use it is not as wished.
func fits[T any](item resource.Item[T]) bool {
	if item.Got == nil {
		return false
	}
	for _, d := range resource.Compare(item.Got, &item.Want) {
		if !d.Meta || d.Computed {
			return false
		}
	}
	return true
}

// perName turns the errors of single files into those of single names.
func perName(err error) error {
	var errs []error
	for _, e := range resource.Each(err) {
		var one *atomic.Error
		if errors.As(e, &one) {
			e = &resource.NameError{Name: one.Path, Err: fmt.Errorf("writing the file: %w", one.Err)}
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// Remove removes files.
func (v *verbs[T]) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, v.remove)
}

// remove removes the file, and what belongs to it beside it.
func (v *verbs[T]) remove(name string) error {
	data, now, err := v.current(name)
	if err != nil {
		return err
	}
	if now == nil {
		return atomic.Remove(v.Root, name) // a killed writer may have left half of it
	}
	if n := v.besideOf(&scene{Host: v.Host}, name, data); n != nil && n.ours {
		if err := atomic.Remove(v.Root, n.path); err != nil {
			return err
		}
	}
	return atomic.Remove(v.Root, name)
}

// Tidy removes what a killed writer left beside the file, beside what belongs to
// it, and in the ledger that it is entered in.
func (v *verbs[T]) Tidy(name string, want T) error {
	errs := []error{atomic.Tidy(v.Root, name)}
	if data, _, err := v.current(name); err == nil {
		if n := v.besideOf(&scene{Host: v.Host}, name, data); n != nil {
			errs = append(errs, atomic.Tidy(v.Root, n.path))
		}
	}
	if v.sourcesOf != nil {
		for _, source := range v.sourcesOf(name, &want) {
			if strings.HasSuffix(source, "/") {
				errs = append(errs, atomic.TidyDirectory(v.Root, path.Clean(source)))
			}
		}
	}
	return errors.Join(errs...)
}
