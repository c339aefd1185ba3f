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
	for _, c := range p.Changes {
		if c.Action != Create && c.Action != Update || c.item.undo {
			continue
		}
		refused := e.unmet(ctx, p, c, ahead)
		if len(refused) == 0 {
			refused = append(refused, lacks(ctx, c, ahead))
		}
		errs = append(errs, refused...)
	}
	return errors.Join(errs...)
}

// lacks asks the kind of a change.
func lacks(ctx context.Context, c Change, ahead resource.Prospect) error {
	var err error
	if !c.IsDrift {
		err = c.item.kind.Preflight(ctx, c.ID.Name, c.item.Want, ahead)
	}
	if err == nil {
		err = c.item.kind.Check(ctx, c.ID.Name, c.item.Want)
	}
	if err == nil {
		return nil
	}
	return &WishError{ID: c.ID, Owners: c.Owners, Err: err}
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
			where := r.Owner.Block.String()
			if r.Path != "" {
				where += ", " + r.Path
			}
			p.Notes = append(p.Notes, Note{ID: c.ID, Text: fmt.Sprintf("in %s: %s; %s", where, m.Summary, m.Hint)})
		default:
			errs = append(errs, &WishError{ID: c.ID, Owners: []resource.Owner{r.Owner}, Path: r.Path, Err: fmt.Errorf("%s; %s", m.Summary, m.Hint)})
		}
	}
	return errs
}

// prospect is what the plan is about to do.
func (p *Plan) prospect() resource.Prospect {
	ahead := resource.Prospect{Coming: make(map[string][]string), Leaving: make(map[string][]string)}
	for _, c := range p.Changes {
		at := ahead.Coming
		switch c.Action {
		case Create, Update:
		case Remove, Restore:
			at = ahead.Leaving
		default:
			continue
		}
		at[c.ID.Kind] = append(at[c.ID.Kind], c.ID.Name)
	}
	return ahead
}
