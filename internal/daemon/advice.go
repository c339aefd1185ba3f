package daemon

import (
	"cmp"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/status"
)

// advise tells in the status what people should know besides, and what of it is
// new in the journal too. A look renews what is about the things it is at. What
// somebody has just made so is told as drift is: vpnd does not put it right, and
// a person may have to.
func (l *look) advise(p *engine.Plan) {
	before := l.advice
	l.agent.advice = slices.DeleteFunc(slices.Clone(before), func(r status.Remark) bool { return l.renews(r.Note) })
	for _, n := range p.Notes {
		r := status.Remark{Note: n}
		i := slices.IndexFunc(before, func(old status.Remark) bool { return old.Note == n })
		if i >= 0 {
			r.By = before[i].By
		} else {
			r.By = l.by(n.ID)
			l.announceRemark(r)
		}
		l.agent.advice = append(l.agent.advice, r)
	}
	slices.SortFunc(l.advice, func(a, b status.Remark) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Text, b.Text)) })
	l.status.Notes = nil
	for _, r := range l.advice {
		l.status.Notes = append(l.status.Notes, r.String())
	}
}

// announceRemark tells of a new one.
func (l *look) announceRemark(r status.Remark) {
	if r.By == "" {
		l.Log.Info("it is worth knowing", "id", r.ID, "note", r.Text)
		return
	}
	l.Log.Warn("it is worth knowing", "id", r.ID, "note", r.Text, "by", r.By)
	l.notify.Tell(notify.Event{Event: notify.Note, Text: r.String()})
}

// renews says whether the look tells such a note anew if it still holds. One
// about a kind is told with anything of that kind.
func (l *look) renews(n engine.Note) bool {
	if n.ID.Name != "" || l.scope.whole {
		return l.scope.holds(n.ID)
	}
	for id := range l.scope.ids {
		if id.Kind == n.ID.Kind {
			return true
		}
	}
	return false
}
