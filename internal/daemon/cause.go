package daemon

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// mostWriters is how many programs are named, the latest ones: a script that
// runs hundreds is known by any of them.
const mostWriters = 3

// by returns who changed a thing since the last look, in the order of their
// doing, as far as watchers saw them.
func (l *look) by(id resource.ID) string {
	var names []string
	for _, h := range l.hints {
		if h.By != "" && h.Kind == id.Kind && (h.Name == "" || h.Name == id.Name) && !slices.Contains(names, h.By) {
			names = append(names, h.By)
		}
	}
	more := len(names) - mostWriters
	if more <= 0 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d before", strings.Join(names[more:], ", "), more)
}

// how returns how a drift was noticed: an event counts only where it was about
// that kind.
func (l *look) how(id resource.ID) string {
	if l.noticed == atStart || l.noticed == byReload {
		return l.noticed
	}
	for _, h := range l.hints {
		if h.Kind == id.Kind || h.Kind == "" {
			return byEvent
		}
	}
	return l.noticed
}

// cause returns how a drift was noticed and who made it, as its first record
// says: a repair may take more than one look.
func (l *look) cause(id resource.ID) (noticed, by string) {
	if d, ok := l.known[id]; ok {
		return d.Noticed, d.By
	}
	return l.how(id), l.by(id)
}
