package engine

import (
	"context"
	"errors"
	"fmt"

	"vpnd/internal/resource"
)

// Preflight finds what would fail in an apply of the plan, or not work after it,
// and writes nothing: what the programs would refuse that read the changed things,
// and what the host lacks. Every refusal is a [WishError]; what may be meant is
// added to the notes of the plan.
func (e *Engine) Preflight(ctx context.Context, p *Plan) (err error) {
	e.beside(planning, func() { err = e.preflight(ctx, p) })
	return err
}

func (e *Engine) preflight(ctx context.Context, p *Plan) error {
	ahead := p.prospect()
	var errs []error
	for step, c := range p.Changes {
		if c.Action != Create && c.Action != Update || c.item.undo {
			continue
		}
		ahead.Step = step
		refused := e.unmet(ctx, p, c, ahead)
		if len(refused) == 0 {
			refused = lacks(ctx, p, c, ahead)
		}
		errs = append(errs, refused...)
	}
	return errors.Join(errs...)
}

// lacks asks the kind of a change.
func lacks(ctx context.Context, p *Plan, c Change, ahead resource.Prospect) []error {
	var errs []error
	if !c.IsDrift {
		for _, err := range resource.Each(c.item.kind.Preflight(ctx, c.ID.Name, c.item.Want, ahead)) {
			errs = append(errs, objection(p, c, err))
		}
	}
	if errors.Join(errs...) == nil {
		errs = append(errs, objection(p, c, c.item.kind.Check(ctx, c.ID.Name, c.item.Want)))
	}
	return errs
}

// objection is what a kind says against a change. What is but a warning is noted.
func objection(p *Plan, c Change, err error) error {
	var m *resource.Mistake
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &m):
		return &WishError{ID: c.ID, Owners: c.Owners, Err: err}
	}
	if len(c.Owners) == 0 {
		return &WishError{ID: c.ID, Err: m}
	}
	o, path := c.Owners[0], ""
	if o.Block == c.ID { // whose attributes are those of the kind
		path = m.Path
	}
	if m.Warning {
		p.doubt(c.ID, o, path, m)
		return nil
	}
	return &WishError{ID: c.ID, Owners: []resource.Owner{o}, Path: path, Err: m}
}

// doubt notes what may be wrong, and where it is written.
func (p *Plan) doubt(id resource.ID, o resource.Owner, path string, m *resource.Mistake) {
	text := m.Error()
	if o.Block != id {
		where := o.Block.String()
		if path != "" {
			where += ", " + path
		}
		text = fmt.Sprintf("in %s: %s", where, text)
	}
	p.Notes = append(p.Notes, Note{ID: id, Text: text})
}

// unmet returns what the blocks that ask for a change require in vain.
func (e *Engine) unmet(ctx context.Context, p *Plan, c Change, ahead resource.Prospect) []error {
	if e.Catalog.Image || c.IsDrift {
		return nil
	}
	var errs []error
	for _, r := range c.item.Requires {
		m := r.Met(ctx, ahead)
		switch {
		case m == nil:
		case m.Warning:
			p.doubt(c.ID, r.Owner, r.Path, m)
		default:
			errs = append(errs, &WishError{ID: c.ID, Owners: []resource.Owner{r.Owner}, Path: r.Path, Err: m})
		}
	}
	return errs
}

// prospect is what the plan is about to do.
func (p *Plan) prospect() resource.Prospect {
	ahead := resource.Prospect{
		Coming:  make(map[resource.ID]resource.Arrival),
		May:     make(map[string][]resource.Arrival),
		Leaving: make(map[resource.ID]bool),
	}
	// What could not be observed may be there: nothing is refused for want of it.
	for _, it := range p.items {
		if it.err != nil && it.Want != nil {
			arrives(ahead, resource.Arrival{By: it.ID, Step: unknown}, it)
		}
	}
	for step, c := range p.Changes {
		switch c.Action {
		case Create, Update:
			c.arrives(ahead, step)
		case Remove, Restore:
			ahead.Leaving[c.ID] = true
		}
	}
	return ahead
}

// arrives notes a change and all that comes with it.
func (c Change) arrives(ahead resource.Prospect, step int) {
	a := resource.Arrival{By: c.ID, Step: step}
	if len(c.Owners) > 0 {
		a.By = c.Owners[0].Block
	}
	arrives(ahead, a, c.item)
}

// unknown is the step of what could not be observed: before all others.
const unknown = -1

func arrives(ahead resource.Prospect, a resource.Arrival, it *item) {
	things, may := it.kind.Brings(it.ID.Name, it.got, it.Want)
	if len(it.Brings) > 0 { // who knows what comes knows all of it
		things, may = append(things, it.Brings...), nil
	}
	if it.kind.Path {
		things = append(things, resource.ID{Kind: resource.Path, Name: it.ID.Name})
	}
	for _, id := range append(things, it.ID) {
		if _, sooner := ahead.Coming[id]; !sooner {
			ahead.Coming[id] = a
		}
	}
	for _, kind := range may {
		ahead.May[kind] = append(ahead.May[kind], a)
	}
}
