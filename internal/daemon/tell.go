package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/outage"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// tale is what was told already, so that only news is.
type tale struct {
	failure     string                   // why the last pass came to nothing
	failed      map[resource.ID]string   // why something was not done, as the journal has it
	history     map[resource.ID]mentions // what the history told of lately
	warned      map[resource.ID]warning  // of what runs out people were told
	tunnels     outage.Log               // how they stood
	profileless *[]string                // who needed a new profile at the last pass over everything; nil before the first
}

// tell puts the findings of a plan into the status, and the news that need no outcome
// into the journal.
func (a *agent) tell(p *pass) {
	a.out.status.Mode = "enforce"
	if p.Facts.Observing {
		a.out.status.Mode = "observe"
	}
	a.out.status.Configuration.Resources = len(a.active.Present)
	a.out.status.Suppressed = nil
	if h := p.suppression; h != nil {
		a.out.status.Suppressed = &status.Suppression{Command: h.Command, Since: h.Since, IDs: h.Resources(), All: h.All}
	}
	for _, u := range p.news.Unknown {
		a.opts.Log.Warn("a resource can't be looked at and is left alone", attributesUnknown(u)...)
	}
	for _, id := range p.news.Observed {
		a.opts.Log.Info("a resource can be looked at again", "id", id)
	}
	for _, r := range p.news.Remarks {
		a.remark(r)
	}
	for _, d := range p.news.Drift {
		if p.news.New[d.ID] {
			a.out.metrics.Drifted(d)
		}
	}
	for _, id := range p.news.Healed {
		a.opts.Log.Info("a drift is gone, and vpnd did not do it", "id", id)
	}
}

// remark tells what people should know from now on.
func (a *agent) remark(r status.Remark) {
	if r.By == "" {
		a.opts.Log.Info("a note is worth knowing", "id", r.ID, "note", r.Text)
		return
	}
	a.opts.Log.Warn("a note is worth knowing", "id", r.ID, "note", r.Text, "by", r.By)
	a.out.notify.Tell(notify.Event{Event: notify.Note, Text: r.String()})
}

// announce tells the news once a pass is over, when their outcome is known.
func (a *agent) announce(p *pass) {
	var news []status.Drift
	for _, d := range p.news.Drift {
		_, known := a.findings.Known[d.ID]
		isNew := p.news.New[d.ID]
		if known && isNew {
			a.opts.Log.Warn("resource drifted", attributes(d)...)
		}
		if (isNew || slices.Contains(p.acts.retried, d.ID)) && !a.backoff.damping.Flapping(d.ID) {
			news = append(news, d)
		}
	}
	for _, u := range p.news.Unknown {
		news = append(news, u.AsDrift())
	}
	if len(news) > 0 {
		a.out.notify.Tell(notify.Drifted(news))
	}
}

// outages tells, once each, of tunnels that went down and of those that are back. While
// the host starts they are on their way.
func (a *agent) outages(ctx context.Context, p *pass) {
	if a.life.booting {
		return
	}
	news := a.out.tale.tunnels.Look(a.opts.Now(), a.findings.VPNs.Tunnels)
	if len(news) == 0 {
		return
	}
	entry := state.Entry{Time: p.Begun.UTC().Truncate(time.Second), Command: state.Tunnel}
	event := notify.Event{Event: notify.Tunnel}
	var lines []string
	for _, n := range news {
		lines = append(lines, n.String())
		event.Tunnels = append(event.Tunnels, n.Tunnel)
		what := strings.TrimPrefix(n.Tunnel.Called(), n.Tunnel.ID.Name) + " " + string(n.What) // of several, which
		entry.Changes = append(entry.Changes, state.Done{ID: n.Tunnel.ID, Reason: strings.TrimSpace(what), Outcome: n.Tunnel.Why})
		args := []any{"id", n.Tunnel.ID, "tunnel", n.Tunnel.Called(), "block", n.Tunnel.Block, "up", n.Tunnel.Up, "why", n.Tunnel.Why}
		switch n.What {
		case outage.Down:
			a.opts.Log.Warn("a tunnel is down", args...)
		case outage.Back:
			a.opts.Log.Info("a tunnel is up again", append(args, "lasted", n.Lasted.Round(time.Second))...)
		case outage.Unsteady:
			a.opts.Log.Warn("a tunnel goes down and comes back again and again", args...)
		default:
			a.opts.Log.Info("a tunnel keeps still", args...)
		}
	}
	event.Text, event.Tunnels = notify.Text(lines), event.Tunnels[:min(len(event.Tunnels), notify.MostTold)]
	a.out.notify.Tell(event)
	if err := a.note(ctx, p, entry); err != nil {
		a.opts.Log.Warn("the history can't be written", "error", err)
	}
}

func attributesUnknown(u status.Unknown) []any {
	args := []any{"id", u.ID, "error", u.Error, "noticed", u.Noticed}
	if u.By != "" {
		args = append(args, "by", u.By)
	}
	return args
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
func (a *agent) started(c engine.Change) {
	a.opts.Service.Tell(fmt.Sprintf("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%d\nSTATUS=At work on %s.", stepTime.Microseconds(), c.ID))
}

func (a *agent) done(p *pass, c engine.Change, err error) {
	a.opts.Service.Tell("WATCHDOG=1")
	p.acts.mended[c.ID] = err == nil
	moved, words := p.Facts.Moved(c), report.Becomes
	if moved {
		words = report.Story
	}
	args := []any{"id", c.ID, "action", c.Action, "reason", c.Reason, "attr", words(status.Shortened(c.Diffs))}
	if moved {
		noticed, by := p.cause(a.findings.Known, c.ID)
		args = append(args, "noticed", noticed)
		if by != "" {
			args = append(args, "by", by)
		}
	}
	if err == nil {
		delete(a.out.tale.failed, c.ID)
	}
	switch {
	case err != nil && a.out.tale.failed[c.ID] == err.Error():
		p.acts.repeated[c.ID] = true
		a.opts.Log.Debug("change not done again", append(args, "error", err)...)
	case err != nil:
		a.out.tale.failed[c.ID] = err.Error()
		a.opts.Log.Error("change not done", append(args, "error", err)...)
	case a.backoff.damping.Flapping(c.ID):
		a.opts.Log.Debug("drift repaired once more", args...)
	case moved:
		a.opts.Log.Info("drift repaired", args...)
	default:
		a.opts.Log.Info("resource changed", args...)
	}
}

// flapping says that a thing begins to flap, and how vpnd goes on.
func (a *agent) flapping(p *pass, c engine.Change) {
	flap := a.backoff.damping.Flap(c.ID)
	d := a.findings.Drifted(p.Pass, c)
	d.Outcome = status.Flapping
	words := "another program changes it again and again; vpnd leaves it alone for a while"
	if a.opts.essential(c.ID) {
		d.Outcome = status.Repaired
		words = "another program changes it again and again; it guards the host, so vpnd goes on repairing it"
	}
	by := cmp.Or(flap.By, "unknown")
	a.opts.Log.Warn("flapping: "+words, "id", c.ID, "attr", report.Story(d.Diffs), "repairs", flap.Repairs, "by", by)
	a.out.metrics.Flapped(c.ID)
	a.out.notify.Tell(notify.Event{Event: notify.Flapping, Text: fmt.Sprintf("%s: %s (the other writer: %s)", c.ID, words, by), Drift: []status.Drift{d}})
}
