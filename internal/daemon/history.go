package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"vpnd/internal/findings"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// The history tells that a thing drifted and was left alone whenever it did so in
// another way or by another hand, and of the same once a minute. What another
// program moves to and fro all the time would fill it all the same, so there is a
// bound within that minute.
const (
	rarely        = time.Minute
	mostInHistory = 20
)

// mentions is what the history told of one thing lately.
type mentions struct {
	what string      // the last time
	at   []time.Time // within the last minute
}

// lately returns what is still worth knowing of.
func (m mentions) lately(now time.Time) mentions {
	m.at = slices.DeleteFunc(slices.Clone(m.at), func(at time.Time) bool { return now.Sub(at) >= rarely })
	return m
}

// lacks says whether the history should tell of it.
func (m mentions) lacks(what string) bool {
	return len(m.at) == 0 || what != m.what && len(m.at) < mostInHistory
}

func mentioned(d state.Done) string { return report.Moved(d.Diffs) + d.Error + "; " + d.By }

// left returns what of the news is left alone, or can't be observed any more, and
// should be in the history. What waits for its repair is noted with that.
func (t *tale) left(news findings.News, begun time.Time) (left []state.Done) {
	add := func(d state.Done) {
		if t.history[d.ID].lately(begun).lacks(mentioned(d)) {
			left = append(left, d)
		}
	}
	for _, d := range news.Drift {
		alone := d.Outcome == status.Reported || d.Outcome == status.Suppressed || d.Outcome == status.Flapping || d.Outcome == status.Protected
		if alone && news.New[d.ID] {
			add(state.Done{
				ID: d.ID, Action: string(d.Action), Reason: string(d.Reason), Noticed: d.Noticed, By: d.By, Diffs: d.Diffs, Outcome: string(d.Outcome),
			})
		}
	}
	for _, u := range news.Unknown {
		add(state.Done{ID: u.ID, Reason: string(status.UnknownReason), Noticed: u.Noticed, By: u.By, Error: u.Error})
	}
	return left
}

// mention notes what the history has told.
func (t *tale) mention(told []state.Done, begun time.Time) {
	maps.DeleteFunc(t.history, func(_ resource.ID, m mentions) bool { return len(m.lately(begun).at) == 0 })
	for _, d := range told {
		m := t.history[d.ID].lately(begun)
		t.history[d.ID] = mentions{what: mentioned(d), at: append(m.at, begun)}
	}
}

// noteLeft notes in the history where nothing is done about what a pass has found.
func (a *agent) noteLeft(ctx context.Context, p *pass) {
	left := a.out.tale.left(p.news, p.Begun)
	if len(left) == 0 {
		return
	}
	if err := a.note(ctx, p, state.Entry{Time: p.Begun.UTC().Truncate(time.Second), Command: state.Noticed, Changes: left}); err != nil {
		a.opts.Log.Warn("the history can't be written", "error", err)
		return
	}
	a.out.tale.mention(left, p.Begun)
}

// note adds to the history, under the lock: an observer does not hold it.
func (a *agent) note(ctx context.Context, p *pass, e state.Entry) error {
	if !p.Facts.Locked {
		wait, cancel := context.WithTimeout(ctx, lockPatience)
		defer cancel()
		unlock, err := state.Lock(wait, a.opts.StateDir)
		if err != nil {
			return err
		}
		defer unlock()
	}
	return p.store.Note(e)
}
