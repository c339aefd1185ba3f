package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// converge makes the plan true. Where a program refuses what it would read,
// nothing was touched; what guards the host is not kept waiting for that.
func (a *agent) converge(ctx context.Context, p *pass, e *engine.Engine, plan *engine.Plan) error {
	begun := a.opts.Now()
	undoable := undoable(plan)
	if !undoable {
		plan = plan.SlowLast(func(id resource.ID) bool { return a.opts.Catalog.Traits(id.Kind).Runs })
	} else {
		var err error
		if e.Resumes, err = p.store.CutShort(); err != nil {
			a.settle(p, engine.Report{})
			return err
		}
	}
	r := e.Converge(ctx, plan, undoable)
	if r.Err != nil && len(r.Results) == 0 && ctx.Err() == nil {
		refused := r.Err
		r = e.Converge(ctx, plan.Without(func(c engine.Change) bool { return !a.opts.guards(c.ID) }), undoable)
		r.Err = errors.Join(refused, r.Err)
	}
	known := a.findings.Known
	a.settle(p, r)
	if len(r.Results) == 0 {
		return r.Err
	}
	a.out.status.Apply = applied(r, begun, a.opts.Now())
	a.passAgain(p, r)
	if err := a.record(p, r, known); err != nil {
		a.opts.Log.Warn("the history can't be written", "error", err)
	}
	return r.Err
}

// applied is what the status tells of an apply.
func applied(r engine.Report, begun, ended time.Time) *status.Apply {
	s := &status.Apply{Time: begun, Seconds: ended.Sub(begun).Seconds()}
	for _, result := range r.Results {
		if result.Err != nil {
			s.Failed++
		} else {
			s.Changed++
		}
	}
	return s
}

// passAgain asks for a pass over what was changed, so that the status tells how it
// is now. What people should know is to be told anew after more than a repair.
func (a *agent) passAgain(p *pass, r engine.Report) {
	for _, result := range r.Results {
		p.acts.touched = append(p.acts.touched, result.ID)
		switch {
		case result.Err != nil:
		case result.IsDrift:
			a.events.queue.Put(resource.Hint{Kind: result.ID.Kind, Name: result.ID.Name})
		default:
			a.events.queue.Put(resource.Hint{})
		}
	}
}

// undoable says whether anybody may want to undo a plan: not where it repairs, or
// finishes what has a snapshot already.
func undoable(p *engine.Plan) bool {
	return slices.ContainsFunc(p.Changes, func(c engine.Change) bool {
		return !c.IsDrift && c.Reason != engine.Unfinished && c.Reason != engine.Owed
	})
}

// settle tells backoff, findings and metrics what became of each resource.
func (a *agent) settle(p *pass, r engine.Report) {
	became := findings.Became(r)
	counted := make(map[resource.ID]bool)
	for _, result := range r.Results {
		if !counted[result.ID] {
			a.out.metrics.Repaired(result.ID, string(result.Reason), result.Err)
		}
		counted[result.ID] = true
	}
	a.count(p, r, became)
	a.findings, p.news = a.findings.Acted(p.Pass, p.news, became)
}

// count tells flap damping what was repaired, and the retries what was tried.
func (a *agent) count(p *pass, r engine.Report, became map[resource.ID]error) {
	counted := make(map[resource.ID]bool)
	retries := a.backoff.retries
	for _, result := range r.Results {
		id, err := result.ID, became[result.ID]
		if result.Skipped || counted[id] {
			continue
		}
		counted[id] = true
		if err == nil && retries.Last(id) != nil {
			p.acts.retried = append(p.acts.retried, id)
		}
		retries.Tried(id, err)
		if err == nil && p.Facts.Moved(result.Change) {
			a.backoff.damping.Repaired(id, p.by(id))
		}
	}
}

// record notes the apply in the history. What is repaired all the time, or fails
// all the time, is noted when that begins, and not each time.
func (a *agent) record(p *pass, r engine.Report, known map[resource.ID]status.Drift) error {
	entry := state.Entry{Time: p.Begun.UTC().Truncate(time.Second), Command: "repair", Snapshot: r.Snapshot}
	for _, result := range r.Results {
		again := result.Err == nil && a.backoff.damping.Flapping(result.ID) && a.opts.essential(result.ID)
		if again || p.acts.repeated[result.ID] {
			continue
		}
		done := state.Done{ID: result.ID, Action: string(result.Action), Reason: string(result.Reason)}
		if p.Facts.Moved(result.Change) {
			done.Noticed, done.By = p.cause(known, result.ID)
			done.Diffs = status.Shortened(result.Diffs)
		} else {
			entry.Command = "converge"
		}
		if result.Err != nil {
			done.Error = result.Err.Error()
		}
		entry.Changes = append(entry.Changes, done)
	}
	if len(entry.Changes) == 0 {
		return nil
	}
	if r.Err != nil {
		entry.Error = r.Err.Error()
	}
	return p.store.Note(entry)
}
