package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// rarely is how often the history tells that the same thing drifted and was left
// alone: what another program moves to and fro all the time would fill it.
const rarely = time.Minute

// noteLeft notes drift in the history where nothing is done about it. What waits
// for its repair is noted with that.
func (l *look) noteLeft(ctx context.Context) {
	var left []state.Done
	for _, d := range l.drift {
		alone := d.Outcome == Reported || d.Outcome == Held || d.Outcome == Contended
		if !alone || !slices.Contains(l.news, d.ID) || l.begun.Sub(l.noted[d.ID]) < rarely {
			continue
		}
		left = append(left, state.Done{
			ID: d.ID, Action: string(d.Action), Reason: string(d.Reason), Noticed: d.Noticed, By: d.By, Diffs: d.Diffs, Outcome: string(d.Outcome),
		})
	}
	if len(left) == 0 {
		return
	}
	if err := l.note(ctx, state.Entry{Time: l.begun.UTC().Truncate(time.Second), Command: state.Noticed, Changes: left}); err != nil {
		l.Log.Warn("the history can't be written", "error", err)
		return
	}
	maps.DeleteFunc(l.noted, func(_ resource.ID, at time.Time) bool { return l.begun.Sub(at) >= rarely })
	for _, d := range left {
		l.noted[d.ID] = l.begun
	}
}

// note adds to the history, under the lock: an observer does not hold it.
func (l *look) note(ctx context.Context, e state.Entry) error {
	if !l.write {
		wait, cancel := context.WithTimeout(ctx, lockPatience)
		defer cancel()
		unlock, err := state.Lock(wait, l.StateDir)
		if err != nil {
			return err
		}
		defer unlock()
	}
	return l.store.Note(e)
}
