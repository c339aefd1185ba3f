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
func (l *look) plan(ctx context.Context, e *engine.Engine) (*engine.Plan, error) {
	p, err := l.planFor(ctx, e, l.active.Present)
	// What is in force already is repaired as far as that goes; and where nothing
	// is, at the very first start, what the host lacks may come with its boot.
	if err == nil && l.active.Unsaved != nil && l.store.WishVersion() != "" {
		err = e.Preflight(ctx, p)
	}
	refused := refusals(err)
	if len(refused) > 0 && l.active.Unsaved != nil {
		l.refuse(refused)
		if err := l.fallBack(ctx, l.store); err != nil || l.active == nil {
			return nil, err
		}
		if err := l.readHold(); err != nil {
			return nil, err
		}
		p, err = l.planFor(ctx, e, l.active.Present)
		refused = refusals(err)
	}
	if len(refused) == 0 {
		return p, err
	}
	l.agent.Log.Debug("the host refuses what is in force", "error", err)
	l.refused = refused
	// What needs filter rules that can't stand must not be switched on.
	return l.planFor(ctx, e, l.reach().Without(slices.Collect(maps.Keys(refused))...))
}

// planFor plans a part of what is in force, as far as it is in the scope of the
// look; what is left out is no leftover.
func (l *look) planFor(ctx context.Context, e *engine.Engine, present []resource.Resource) (*engine.Plan, error) {
	if l.scope.whole {
		return e.Plan(ctx, resource.Desired{Present: present, Absent: e.Leftovers(l.active.Present)})
	}
	return e.PlanPart(ctx, resource.Desired{Present: l.scope.cut(present), Absent: l.leftovers()})
}

// leftovers are what is in the scope, on record and no longer wished.
func (l *look) leftovers() []resource.ID {
	var ids []resource.ID
	for id := range l.scope.ids {
		if _, recorded := l.store.Record(id); recorded && !l.reach().Has(id) {
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
func (l *look) refuse(refused map[resource.ID]error) {
	var lines []string
	for id, err := range refused {
		lines = append(lines, fmt.Sprintf("Error: The host would refuse %s\n\n  %v\n", id, err))
	}
	slices.Sort(lines)
	c := &l.status.Configuration
	c.Valid, c.Diagnostics = false, c.Diagnostics+strings.Join(lines, "\n")
	l.files.refusal = refusal{l.active.Unsaved.Asked, c.Diagnostics}
	l.Log.Error("the host would refuse the configuration, so it is not taken; what was in force stays so", "diagnostics", c.Diagnostics)
	l.notify.Tell(notify.Event{Event: notify.Configuration, Text: "the host would refuse the configuration:\n" + c.Diagnostics})
}
