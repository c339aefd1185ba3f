package daemon

import (
	"fmt"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// day is what ends are counted in.
const day = 24 * time.Hour

// stages are how long before the end of a certificate or a list people are told
// that it is not renewed, once each, and at its end.
var stages = []time.Duration{0, day, 7 * day, 30 * day}

// stageOf returns the stage that was reached so long before an end.
func stageOf(left time.Duration) (stage time.Duration, reached bool) {
	for _, stage := range stages {
		if left <= stage {
			return stage, true
		}
	}
	return 0, false
}

// A warning is what was told of one end.
type warning struct {
	end   time.Time
	stage time.Duration
}

// endings returns of what people have to be told now: what runs out and is not
// going to be renewed in time, as far as anybody can see. A renewal that lies
// ahead is the agent's own matter.
func endings(all []status.Expiry, told map[resource.ID]warning, ahead func(id resource.ID, left time.Duration) bool, now time.Time) []status.Expiry {
	var due []status.Expiry
	for _, e := range all {
		stage, reached := stageOf(e.NotAfter.Sub(now))
		if !reached || ahead(e.ID, e.NotAfter.Sub(now)) {
			delete(told, e.ID)
			continue
		}
		if w := (warning{e.NotAfter, stage}); told[e.ID] != w {
			told[e.ID] = w
			due = append(due, e)
		}
	}
	return due
}

// warn tells of certificates and lists that run out, once a pass has done what it
// could.
func (a *agent) warn(p *pass) {
	if p.Plan == nil || a.life.booting {
		return
	}
	ahead := func(id resource.ID, left time.Duration) bool {
		_, due := a.findings.Due[id]
		return due || p.Doubted || left > day && p.holdsBack(id) || slices.ContainsFunc(p.news.Drift, func(d status.Drift) bool { return d.ID == id && d.Outcome == status.Repaired })
	}
	due := endings(slices.Concat(a.findings.VPNs.Certificates, a.findings.VPNs.CRLs), a.out.tale.warned, ahead, a.opts.Now())
	if len(due) == 0 {
		return
	}
	var lines []string
	for _, e := range due {
		lines = append(lines, ending(e, a.opts.Now()))
		a.opts.Log.Warn("a certificate or list runs out and is not renewed", "id", e.ID, "block", e.Block, "end", e.NotAfter.UTC().Format(time.RFC3339))
	}
	a.out.notify.Tell(notify.Event{Event: notify.Expiry, Text: notify.Text(lines)})
}

// holdsBack says whether a repair waits for nothing but somebody else at work, as a command
// that has the lock in the very second of a renewal. The day before an end that is no excuse.
func (p *pass) holdsBack(id resource.ID) bool {
	d := p.Decisions[id]
	return d.Outcome == status.Waits && (d.Soon || !p.Facts.Locked) &&
		slices.ContainsFunc(p.Plan.Changes, func(c engine.Change) bool { return c.ID == id && c.Lacks == (resource.ID{}) })
}

// ending says in words when something runs out.
func ending(e status.Expiry, now time.Time) string {
	left := e.NotAfter.Sub(now)
	switch days := int(left / day); {
	case left <= 0:
		return fmt.Sprintf("%s of %s has run out on %s and is not renewed", e.ID, e.Block, e.NotAfter.Local().Format(time.DateTime))
	case days == 1:
		return fmt.Sprintf("%s of %s runs out on %s, in 1 day, and is not renewed", e.ID, e.Block, e.NotAfter.Local().Format(time.DateTime))
	default:
		return fmt.Sprintf("%s of %s runs out on %s, in %d days, and is not renewed", e.ID, e.Block, e.NotAfter.Local().Format(time.DateTime), days)
	}
}

// handouts tells who has come to need a new profile since the last pass at
// everything. Those of before the agent's start were told then.
func (a *agent) handouts(p *pass) {
	if p.Plan == nil || !p.Scope.Whole {
		return
	}
	now := a.engine(p).Waiting()
	news := newcomers(a.out.tale.profileless, now)
	a.out.tale.profileless = &now
	if text := report.HandOut(news); text != "" {
		a.opts.Log.Warn("profiles that people hold are void", "names", report.Names(news))
		a.out.notify.Tell(notify.Event{Event: notify.Profile, Text: text})
	}
}

// newcomers are the names that were not known; where nothing is, none is new.
func newcomers(known *[]string, now []string) []string {
	if known == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(now), func(name string) bool { return slices.Contains(*known, name) })
}
