package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// mostWriters is how many programs are named, the latest ones: a script that
// runs hundreds is known by any of them.
const mostWriters = 3

// by returns who changed a thing since the last look, in the order of their
// doing, as far as watchers saw them.
func (l *look) by(id resource.ID) string {
	var names []string
	for _, h := range l.hints {
		if l.beside && restores(h.By) {
			continue
		}
		if h.By != "" && concerns(h, id) && !slices.Contains(names, h.By) {
			names = append(names, h.By)
		}
	}
	more := len(names) - mostWriters
	if more <= 0 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d before", strings.Join(names[more:], ", "), more)
}

// concerns says whether a hint is about a thing, and not only about all there is.
func concerns(h resource.Hint, id resource.ID) bool {
	return h.Kind == id.Kind && (h.Name == "" || h.Name == id.Name)
}

// catchUp adds what was heard during the look about what is wrong: whoever did
// that may have come after the hint that the look began with. It waits for the
// next look all the same, since it may have come after this one had looked.
func (l *look) catchUp(p *engine.Plan) {
	for _, h := range l.queue.Waiting() {
		if slices.ContainsFunc(p.Changes, func(c engine.Change) bool { return concerns(h, c.ID) }) {
			l.hints = append(l.hints, h)
		}
	}
}

// aftermath is how long after the last sign of another vpnd at work its programs
// may still be heard of.
const aftermath = time.Second

// restores says whether it is a program such as vpnd starts to write rules, and
// that is mostly gone before anybody can ask who started it. Where another vpnd
// was at work it is better to name nobody than that one's: others call iptables.
func restores(program string) bool {
	return slices.ContainsFunc([]string{"iptables-", "ip6tables-", "xtables-"}, func(prefix string) bool { return strings.HasPrefix(program, prefix) })
}

// heedOthers finds out whether another vpnd was at work since the last look, or
// is: it holds the lock, or has written the state.
func (l *look) heedOthers() {
	rewished := l.active != nil && l.active.Unsaved == nil && l.store.WishVersion() != l.active.Version
	if l.waiting || rewished || l.store.Others() || l.active.Observing() && state.Locked(l.StateDir) {
		l.others = l.begun
	}
	l.beside = l.begun.Sub(l.others) < aftermath
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
