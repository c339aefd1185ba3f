package daemon

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// tell puts what a plan says into the status, and remembers what of it is
// news.
func (l *look) tell(p *engine.Plan) {
	s := &l.status
	s.Mode = "enforce"
	if l.active.Observing() {
		s.Mode = "observe"
	}
	s.Configuration.Resources = len(l.active.Present)
	tries := tries(s)
	s.Pending = outside(l.scope, s.Pending, func(p status.Pending) resource.ID { return p.ID })
	s.Suppressed = nil
	for _, c := range p.Changes {
		switch {
		case l.status.Booting && l.Catalog.Traits(c.ID.Kind).StartsLater: // its time has not come
		case c.Action == engine.Refresh && c.Reason != engine.Owed: // a consequence, not a cause
		case l.moved(c):
			l.drift = append(l.drift, l.drifted(c))
		default:
			outcome, last := l.meant(c.ID, tries)
			s.Pending = append(s.Pending, status.Pending{ID: c.ID, Action: c.Action, Reason: c.Reason, Outcome: outcome, Error: cmp.Or(wayOut(c, outcome), last)})
		}
	}
	l.show(l.underWay(tries))
	l.unknowns(p)
	l.advise(p)
	if l.hold != nil {
		s.Suppressed = &status.Suppression{Command: l.hold.Command, Since: l.hold.Since, IDs: l.hold.Holds(), All: l.hold.All}
	}
	l.expiries(p)
	l.ripen(p)
	l.tunnels(p)
	l.remember()
}

// show tells what is wrong in the scope of the look, beside what is elsewhere.
func (l *look) show(wrong []status.Drift) {
	others := outside(l.scope, l.status.Drift, func(d status.Drift) resource.ID { return d.ID })
	l.status.Drift = append(others, wrong...)
}

// moved says whether a change puts right what moved behind vpnd's back. A repair
// that failed is to be finished, and its cause is still the same.
func (l *look) moved(c engine.Change) bool {
	_, known := l.known[c.ID]
	return c.IsDrift || c.Reason == engine.Unfinished && known
}

// drifted makes the record of a drift.
func (l *look) drifted(c engine.Change) status.Drift {
	d := status.Drift{
		ID: c.ID, Address: c.ID.String(), Action: c.Action, Reason: c.Reason, Diffs: status.Shortened(c.Diffs),
		Since: l.begun, Noticed: l.how(c.ID), By: l.by(c.ID), Outcome: l.decisions[c.ID].Outcome,
	}
	d.Error = wayOut(c, d.Outcome)
	if len(c.Owners) > 0 {
		d.Address = c.Owners[0].Block.String()
	}
	if old, ok := l.known[c.ID]; ok { // it is still wrong: the first record says how that came
		d.Since, d.Noticed = old.Since, old.Noticed
		if report.Moved(old.Diffs) == report.Moved(d.Diffs) && old.By != "" {
			d.By = old.By
		}
		d.By = after(old.By, d.By)
	}
	return d
}

// mostInTurn is how many programs are named that wrote a thing one after another.
const mostInTurn = 10

// after names those who wrote a thing that was wrong already behind those who made
// it so: of many the first, and the latest ones.
func after(earlier, later string) string {
	const then = ", then "
	writers := strings.Split(earlier, then)
	switch {
	case earlier == "":
		return later
	case later == "" || slices.Contains(writers, later) || earlier == later:
		return earlier
	}
	if writers = append(writers, later); len(writers) > mostInTurn {
		writers = append(writers[:1], writers[len(writers)-mostInTurn+1:]...)
	}
	return strings.Join(writers, then)
}

// remember finds out what is news: what was not wrong before, or not in this
// way, or is treated otherwise now.
func (l *look) remember() {
	now := make(map[resource.ID]status.Drift, len(l.drift))
	l.doubt()
	for _, d := range l.drift {
		old, known := l.known[d.ID]
		if !known && l.doubted {
			continue
		}
		retry := known && old.Outcome == status.Failed && d.Outcome == status.Repaired
		if !known || old.Outcome != d.Outcome && !retry || report.Moved(old.Diffs) != report.Moved(d.Diffs) {
			l.news = append(l.news, d.ID)
			l.metrics.Drifted(d)
		}
		now[d.ID] = d
	}
	for _, id := range slices.SortedFunc(maps.Keys(l.known), resource.ID.Compare) {
		if _, still := now[id]; still {
			continue
		}
		switch {
		case !l.scope.holds(id):
			now[id] = l.known[id]
		case !l.unseen(id) && !l.within[id]:
			l.Log.Info("it is as it shall be again, and vpnd did not do it", "id", id)
		}
	}
	l.agent.known = now
}

// announce tells the news once the look is over, when their outcome is known.
func (l *look) announce() {
	var news []status.Drift
	for _, d := range l.drift {
		switch _, known := l.agent.known[d.ID]; {
		case d.Outcome == status.Repaired:
			delete(l.agent.known, d.ID) // the next time is another time
		case !known && l.doubted:
		default:
			l.agent.known[d.ID] = d
			if slices.Contains(l.news, d.ID) {
				l.Log.Warn("drifted", attributes(d)...)
			}
		}
		isNews := slices.Contains(l.news, d.ID) || slices.Contains(l.retried, d.ID)
		if isNews && !l.damping.Flapping(d.ID) {
			news = append(news, d)
		}
	}
	for _, u := range l.newlyUnseen {
		news = append(news, u.AsDrift())
	}
	if len(news) > 0 {
		l.notify.Tell(notify.Drifted(news))
	}
}

// attributes are what the journal says of a drift.
func attributes(d status.Drift) []any {
	args := []any{"id", d.ID, "action", d.Action, "reason", d.Reason, "attr", report.Story(d.Diffs), "noticed", d.Noticed}
	if d.By != "" {
		args = append(args, "by", d.By)
	}
	args = append(args, "outcome", d.Outcome)
	if d.Error != "" {
		args = append(args, "error", d.Error)
	}
	return args
}

// stepTime is how long one step of an apply may take while the daemon is not
// ready yet: the longest are packages and units.
const stepTime = 5 * time.Minute

// started and done are told of each step of an apply: signs of life, and one
// record a change in the journal.
func (l *look) started(c engine.Change) {
	l.Tell(fmt.Sprintf("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%d\nSTATUS=At work on %s.", stepTime.Microseconds(), c.ID))
}

func (l *look) done(c engine.Change, err error) {
	l.Tell("WATCHDOG=1")
	l.mended[c.ID] = err == nil
	moved, words := l.moved(c), report.Becomes
	if moved {
		words = report.Story
	}
	args := []any{"id", c.ID, "action", c.Action, "reason", c.Reason, "attr", words(status.Shortened(c.Diffs))}
	if moved {
		noticed, by := l.cause(c.ID)
		args = append(args, "noticed", noticed)
		if by != "" {
			args = append(args, "by", by)
		}
	}
	if err == nil {
		delete(l.told, c.ID)
	}
	switch {
	case err != nil && l.told[c.ID] == err.Error():
		l.repeated[c.ID] = true
		l.Log.Debug("not done again", append(args, "error", err)...)
	case err != nil:
		l.told[c.ID] = err.Error()
		l.Log.Error("not done", append(args, "error", err)...)
	case l.damping.Flapping(c.ID):
		l.Log.Debug("repaired once more", args...)
	case moved:
		l.Log.Info("repaired", args...)
	default:
		l.Log.Info("changed", args...)
	}
}

// flapping says that a thing begins to flap, and how vpnd goes on.
func (l *look) flapping(c engine.Change) {
	flap := l.damping.Flap(c.ID)
	d := l.drifted(c)
	d.Outcome = status.Flapping
	words := "another program changes it again and again; vpnd leaves it alone for a while"
	if l.essential(c.ID) {
		d.Outcome = status.Repaired
		words = "another program changes it again and again; it guards the host, so vpnd goes on repairing it"
	}
	by := cmp.Or(flap.By, "unknown")
	l.Log.Warn("flapping: "+words, "id", c.ID, "attr", report.Story(d.Diffs), "repairs", flap.Repairs, "by", by)
	l.metrics.Flapped(c.ID)
	l.notify.Tell(notify.Event{Event: notify.Flapping, Text: fmt.Sprintf("%s: %s (the other writer: %s)", c.ID, words, by), Drift: []status.Drift{d}})
}
