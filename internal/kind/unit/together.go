package unit

import (
	"context"
	"errors"
	"slices"
	"sync"

	"vpnd/internal/resource"
)

// abreast is how many units are on their way at the same time.
const abreast = 16

// A change is a unit on its way into the state that is wished.
type change struct {
	resource.Item[Unit]
	now     state
	missing bool // there is none on the host; one that leaves with its last link was there
	changed bool // its drop-ins, which count from the next start on
	unread  bool // systemd has not read its files since they changed
	err     error
}

// Apply brings units into their states. What systemd reads of them is written first,
// and read once for all: while it reads it answers nobody. Then they start and end
// side by side, since most of the time goes by while a service does. What fails is a
// [resource.NameError].
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Unit]) error {
	if len(items) == 0 {
		return nil
	}
	m, err := v.manager(ctx)
	if err != nil {
		return resource.ApplyEach(items, func(resource.Item[Unit]) error { return err })
	}
	defer m.Close()
	changes := make([]*change, len(items))
	for i, it := range items {
		changes[i] = &change{Item: it}
		changes[i].err = v.write(ctx, m, changes[i])
	}
	read(ctx, m, changes)
	together(changes, func(c *change) error { return v.settle(ctx, m, c) })
	errs := make([]error, len(changes))
	for i, c := range changes {
		if c.err != nil {
			errs[i] = &resource.NameError{Name: c.Name, Err: c.err}
		}
	}
	return errors.Join(errs...)
}

// Remove takes the drop-ins of vpnd away, and units whose file vpnd wrote out of
// service. Anything else is given back by the state that was found.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	wants := make(map[string]*Unit, len(names))
	for _, name := range names {
		wants[name] = nil
	}
	seen, err := v.Observe(ctx, wants)
	var items []resource.Item[Unit]
	for _, name := range names {
		got := seen[name]
		if got == nil {
			continue
		}
		want := Unit{Dropins: []Dropin{}}
		if *got.Own {
			want.Enabled, want.Active = resource.Ptr(false), resource.Ptr(false)
		}
		items = append(items, resource.Item[Unit]{Name: name, Want: want})
	}
	return errors.Join(err, v.Apply(ctx, items))
}

// read has systemd read the files that changed, and looks at their units, each by its
// own name: an alias leaves where it is disabled.
func read(ctx context.Context, m Manager, changes []*change) {
	unread := func(c *change) bool { return c.unread }
	if !slices.ContainsFunc(changes, unread) {
		return
	}
	err := reread(ctx, m)
	for _, c := range changes {
		switch {
		case !c.unread || c.err != nil:
		case err != nil:
			c.err = err
		default:
			c.now, c.err = look(ctx, m, c.now.id)
		}
	}
}

// together does something with all that have not failed.
func together(changes []*change, do func(*change) error) {
	places := make(chan struct{}, abreast)
	var jobs sync.WaitGroup
	for _, c := range changes {
		if c.err != nil {
			continue
		}
		places <- struct{}{}
		jobs.Go(func() {
			defer func() { <-places }()
			c.err = do(c)
		})
	}
	jobs.Wait()
}
