package daemon

import (
	"context"
	"fmt"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// wayOut says of what is lost, or waits for that, what brings it back.
func wayOut(c engine.Change, now status.Outcome) string {
	switch now {
	case status.Protected:
		return fmt.Sprintf("put it back, and all is well; vpnd apply makes a new one, and then %s is void", c.Voids)
	case status.Waits:
		if c.Lacks != (resource.ID{}) {
			return fmt.Sprintf("until %s is put back", c.Lacks)
		}
	}
	return ""
}

// widen plans everything where a look at a part of it finds that something is
// lost: what waits for that may be anywhere. From then on all of it is known to
// be wrong, and every look is at it.
func (l *look) widen(ctx context.Context, e *engine.Engine, p *engine.Plan) (*engine.Plan, error) {
	if p == nil || l.scope.whole || !slices.ContainsFunc(p.Changes, l.unheard) {
		return p, nil
	}
	l.scope = scope{whole: true}
	return l.plan(ctx, e)
}

// unheard says whether a change is about something that was not known to be lost.
func (l *look) unheard(c engine.Change) bool {
	old, known := l.known[c.ID]
	return policy.Lost(c) && (!known || report.Moved(old.Diffs) != report.Moved(status.Shortened(c.Diffs)))
}

// unique lists the things that can be lost in this way.
func (r *reach) unique() []resource.ID {
	if r.halves == nil {
		r.halves = []resource.ID{}
		for _, one := range r.present {
			if k, ok := r.catalog.Kind(one.ID.Kind); ok && k.Voids(nil, one.Want) != "" {
				r.halves = append(r.halves, one.ID)
			}
		}
	}
	return r.halves
}

// mayWait says whether anything in the scope is made from keys, or is a folder of
// theirs, so that the look has to know whether one is lost.
func (s scope) mayWait(c resource.Catalog) bool {
	for id := range s.ids {
		if c.Traits(id.Kind).Path {
			return true
		}
	}
	return false
}
