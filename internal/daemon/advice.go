package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/engine"
)

// advise tells in the status what people should know besides, and what of it is
// new in the journal too. A look renews what is about the things it is at.
func (l *look) advise(p *engine.Plan) {
	before := l.advice
	l.agent.advice = append(slices.DeleteFunc(slices.Clone(before), l.renews), p.Notes...)
	slices.SortFunc(l.advice, func(a, b engine.Note) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Text, b.Text)) })
	l.status.Notes = nil
	for _, n := range l.advice {
		l.status.Notes = append(l.status.Notes, strings.TrimPrefix(fmt.Sprintf("%s: %s", n.ID.Name, n.Text), ": "))
		if !slices.Contains(before, n) {
			l.Log.Info("it is worth knowing", "id", n.ID, "note", n.Text)
		}
	}
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
