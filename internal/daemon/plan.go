package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/resource"
)

// plan plans the host. A configuration that was just read and that the host
// would refuse is not taken; one that is in force already goes on without what
// is refused and all that needs it, so that one thing does not stop the rest.
// It returns nil where nothing is in force.
func (a *agent) plan(ctx context.Context, p *pass, e *engine.Engine) (*engine.Plan, error) {
	plan, err := a.planFor(ctx, p, e, a.active.Present)
	// What is in force already is repaired as far as that goes; and where nothing
	// is, at the very first start, what the host lacks may come with its boot.
	if err == nil && a.active.Unsaved != nil && p.store.WishVersion() != "" {
		err = e.Preflight(ctx, plan)
	}
	refused := refusals(err)
	if len(refused) > 0 && a.active.Unsaved != nil {
		a.refuse(refused)
		if err := a.fallBack(ctx, p.store); err != nil || a.active == nil {
			return nil, err
		}
		if err := a.readSuppressed(p); err != nil {
			return nil, err
		}
		plan, err = a.planFor(ctx, p, e, a.active.Present)
		refused = refusals(err)
	}
	if len(refused) == 0 {
		return plan, err
	}
	a.opts.Log.Debug("the host refuses what is in force", "error", err)
	p.Refused = refused
	// What needs filter rules that can't stand must not be switched on.
	return a.planFor(ctx, p, e, a.graph().Without(slices.Collect(maps.Keys(refused))...))
}

// planFor plans a part of what is in force, as far as it is in the scope of the
// pass; what is left out is no leftover.
func (a *agent) planFor(ctx context.Context, p *pass, e *engine.Engine, present []resource.Resource) (*engine.Plan, error) {
	if p.Scope.Whole {
		return e.Plan(ctx, resource.Desired{Present: present, Absent: e.Leftovers(a.active.Present)})
	}
	return e.PlanPart(ctx, resource.Desired{Present: p.Scope.Of(present), Absent: a.leftovers(p)})
}

// leftovers are what is in the scope, on record and no longer wished.
func (a *agent) leftovers(p *pass) []resource.ID {
	var ids []resource.ID
	for id := range p.Scope.IDs {
		if _, recorded := p.store.Record(id); recorded && !a.graph().Has(id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return ids
}

// refusals returns the wishes that the host does not take, none where err is
// about anything else.
func refusals(err error) map[resource.ID]error {
	refused := make(map[resource.ID]error)
	for _, one := range resource.Each(err) {
		var wish *engine.WishError
		if errors.As(one, &wish) {
			refused[wish.ID] = wish.Err
		}
	}
	return refused
}

// refuse tells that what is in the files is not taken.
func (a *agent) refuse(refused map[resource.ID]error) {
	var lines []string
	for id, err := range refused {
		lines = append(lines, fmt.Sprintf("Error: The host would refuse %s\n\n  %v\n", id, err))
	}
	slices.Sort(lines)
	c := &a.out.status.Configuration
	c.Valid, c.Diagnostics = false, c.Diagnostics+strings.Join(lines, "\n")
	a.files.refusal = refusal{a.active.Unsaved.Asked, c.Diagnostics}
	a.opts.Log.Error("the host would refuse the configuration, so it is not taken; what was in force stays so", "diagnostics", c.Diagnostics)
	a.out.notify.Tell(notify.Event{Event: notify.Configuration, Text: "the host would refuse the configuration:\n" + c.Diagnostics})
}
