package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// mostWriters is how many programs are named, the latest ones: a script that
// runs hundreds is known by any of them.
const mostWriters = 3

// by returns who changed a thing since the last pass, in the order of their
// doing, as far as watchers saw them.
func (p *pass) by(id resource.ID) string {
	var names []string
	for _, h := range p.hints {
		if !p.blame && restores(h.By) {
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

// catchUp adds what was heard during the pass about what is wrong: whoever did
// that may have come after the hint that the pass began with. It waits for the
// next pass all the same, since it may have come after this one had observed it.
func (a *agent) catchUp(p *pass) {
	for _, h := range a.events.queue.Waiting() {
		if slices.ContainsFunc(p.Plan.Changes, func(c engine.Change) bool { return concerns(h, c.ID) }) {
			p.hints = append(p.hints, h)
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

// heedOthers finds out whether another vpnd was at work since the last pass, or
// is: it holds the lock, or has written the state.
func (a *agent) heedOthers(p *pass) {
	if a.schedule.waiting || a.rewished(p) || p.store.Others() || a.active.Observing() && state.Locked(a.opts.StateDir) {
		a.schedule.others = p.Begun
	}
	p.blame = a.mayBlame(p.Begun)
}

// rewished says whether another vpnd has made something else active.
func (a *agent) rewished(p *pass) bool {
	return a.active != nil && a.active.Unsaved == nil && p.store.WishVersion() != a.active.Version
}

// mayBlame says whether whoever writes rules may be named.
func (a *agent) mayBlame(now time.Time) bool { return now.Sub(a.schedule.others) >= aftermath }

// how returns how a drift was noticed: an event counts only where it was about
// that kind.
func (p *pass) how(id resource.ID) string {
	if p.noticed == atStart || p.noticed == byReload {
		return p.noticed
	}
	for _, h := range p.hints {
		if h.Kind == id.Kind || h.Kind == "" {
			return byEvent
		}
	}
	return p.noticed
}

// cause returns how a drift was noticed and who made it, as its first record
// says: a repair may take more than one pass.
func (p *pass) cause(known map[resource.ID]status.Drift, id resource.ID) (noticed, by string) {
	if d, ok := known[id]; ok {
		return d.Noticed, d.By
	}
	return p.how(id), p.by(id)
}

// doubtful is how long what moves while another vpnd is at work passes for that
// one's doing. An apply or a destroy is seen in the middle of its work by a pass
// that began before it, and a webhook in the night for that is a false alarm.
// One that takes longer hides nothing.
const doubtful = 30 * time.Second

// doubt finds out whether what was seen may be another vpnd's doing: that one
// holds the lock, or has put something else in force since the pass began. What
// is not known to be wrong yet is no news then; if it stays, the next passes
// tell.
func (a *agent) doubt(p *pass) {
	c := &a.schedule
	another := !p.Facts.Locked && (c.waiting || state.Locked(a.opts.StateDir) || a.rewished(p))
	switch {
	case !another:
		c.besides = time.Time{}
	case c.besides.IsZero():
		c.besides = p.Begun
	}
	c.waiting = c.waiting || another
	p.Doubted = another && a.opts.Now().Sub(c.besides) < doubtful
}
