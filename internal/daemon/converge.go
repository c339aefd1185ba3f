package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// mostRecent is how many repairs status.json tells of.
const mostRecent = 20

// converge makes the plan true. Where a program refuses what it would read,
// nothing was touched; what guards the host is not kept waiting for that.
func (l *look) converge(ctx context.Context, e *engine.Engine, p *engine.Plan) error {
	begun := l.Now()
	if !undoable(p) {
		p = p.SlowLast(func(id resource.ID) bool { return l.Catalog.Traits(id.Kind).Runs })
	}
	var unread error
	if undoable(p) {
		e.Resumes, unread = l.store.CutShort()
	}
	if unread != nil {
		l.account(engine.Report{})
		return unread
	}
	r := e.Converge(ctx, p, undoable(p))
	if r.Err != nil && len(r.Results) == 0 && ctx.Err() == nil {
		refused := r.Err
		r = e.Converge(ctx, p.Without(func(c engine.Change) bool { return !l.guards(c.ID) }), undoable(p))
		r.Err = errors.Join(refused, r.Err)
	}
	l.account(r)
	if len(r.Results) == 0 {
		return r.Err
	}
	l.status.Apply = &status.Apply{Time: begun, Seconds: l.Now().Sub(begun).Seconds()}
	for _, result := range r.Results {
		if result.Err != nil {
			l.status.Apply.Failed++
		} else {
			l.status.Apply.Changed++
		}
	}
	l.lookAgain(r)
	if err := l.record(r); err != nil {
		l.Log.Warn("the history can't be written", "error", err)
	}
	return r.Err
}

// lookAgain asks for a look at what was changed, so that the status tells how it
// is now. What people should know is to be told anew after more than a repair.
func (l *look) lookAgain(r engine.Report) {
	for _, result := range r.Results {
		l.touched = append(l.touched, result.ID)
		switch {
		case result.Err != nil:
		case result.IsDrift:
			l.queue.Put(resource.Hint{Kind: result.ID.Kind, Name: result.ID.Name})
		default:
			l.queue.Put(resource.Hint{})
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

// account tells flap damping, the status and the metrics what became of each
// resource.
func (l *look) account(r engine.Report) {
	became := make(map[resource.ID]error)
	for _, result := range r.Results {
		if _, known := became[result.ID]; !known {
			l.metrics.Repaired(result.ID, string(result.Reason), result.Err)
		}
		became[result.ID] = errors.Join(became[result.ID], result.Err)
	}
	l.count(r, became)
	for i := range l.drift {
		d := &l.drift[i]
		d.Outcome, d.Error = l.settled(d.Outcome, d.Error, d.ID, became)
		if d.Outcome == status.Repaired {
			l.status.Recent = slices.Insert(l.status.Recent, 0, *d)
		}
	}
	for i := range l.status.Pending {
		p := &l.status.Pending[i]
		if !l.scope.holds(p.ID) {
			continue
		}
		p.Outcome, p.Error = l.settled(l.decisions[p.ID].Outcome, p.Error, p.ID, became)
	}
	l.status.Recent = l.status.Recent[:min(len(l.status.Recent), mostRecent)]
	l.show(slices.DeleteFunc(slices.Clone(l.drift), func(d status.Drift) bool { return d.Outcome == status.Repaired }))
	l.status.Pending = slices.DeleteFunc(l.status.Pending, func(p status.Pending) bool { return p.Outcome == status.Repaired && l.scope.holds(p.ID) })
}

// count tells flap damping what was repaired, and the retries what was tried.
func (l *look) count(r engine.Report, became map[resource.ID]error) {
	counted := make(map[resource.ID]bool)
	for _, result := range r.Results {
		id, err := result.ID, became[result.ID]
		if result.Skipped || counted[id] {
			continue
		}
		counted[id] = true
		if err == nil && l.retries.Last(id) != nil {
			l.retried = append(l.retried, id)
		}
		l.retries.Tried(id, err)
		if err == nil && l.moved(result.Change) {
			l.damping.Repaired(id, l.by(id))
		}
	}
}

// settled returns what became of a thing that was to be repaired; told is what
// was said of it before.
func (l *look) settled(meant status.Outcome, told string, id resource.ID, became map[resource.ID]error) (status.Outcome, string) {
	err, tried := became[id]
	switch {
	case meant == status.Failed: // and waits for its next try
		return meant, l.retries.Last(id).Error()
	case meant != status.Repaired:
		return meant, told
	case tried && err == nil:
		return meant, ""
	case !tried: // the apply ended before
		return status.Waits, ""
	default:
		return status.Failed, err.Error()
	}
}

// record notes the apply in the history. What is repaired all the time, or fails
// all the time, is noted when that begins, and not each time.
func (l *look) record(r engine.Report) error {
	entry := state.Entry{Time: l.begun.UTC().Truncate(time.Second), Command: "repair", Snapshot: r.Snapshot}
	for _, result := range r.Results {
		again := result.Err == nil && l.damping.Flapping(result.ID) && l.essential(result.ID)
		if again || l.repeated[result.ID] {
			continue
		}
		done := state.Done{ID: result.ID, Action: string(result.Action), Reason: string(result.Reason)}
		if l.moved(result.Change) {
			done.Noticed, done.By = l.cause(result.ID)
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
	return l.store.Note(entry)
}
