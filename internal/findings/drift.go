package findings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// mostInTurn is how many programs are named that wrote a thing one after another.
const mostInTurn = 10

// Drifted is the record of a drift. Of what is wrong still, the first one says how
// that came.
func (f Findings) Drifted(p Pass, c engine.Change) status.Drift {
	d := status.Drift{
		ID: c.ID, Address: status.Block(c.ID, c.Owners), Action: c.Action, Reason: c.Reason, Diffs: status.Shortened(c.Diffs),
		Since: p.Begun, Noticed: p.How(c.ID), By: p.By(c.ID), Outcome: p.Decisions[c.ID].Outcome,
	}
	d.Error = wayOut(c, d.Outcome)
	if old, ok := f.Known[c.ID]; ok {
		d.Since, d.Noticed = old.Since, old.Noticed
		if same(old, d) && old.By != "" {
			d.By = old.By
		}
		d.By = after(old.By, d.By)
	}
	return d
}

// NewlyProtected says whether a change is about something that was not known to be protected.
func (f Findings) NewlyProtected(c engine.Change) bool {
	old, known := f.Known[c.ID]
	return policy.Protected(c) && (!known || report.Moved(old.Diffs) != report.Moved(status.Shortened(c.Diffs)))
}

// same says whether two records are of the same move.
func same(a, b status.Drift) bool { return report.Moved(a.Diffs) == report.Moved(b.Diffs) }

// differs says whether people have to be told of a drift anew. That it is tried again
// is nothing new.
func differs(old, now status.Drift) bool {
	retry := old.Outcome == status.Failed && now.Outcome == status.Repaired
	return old.Outcome != now.Outcome && !retry || !same(old, now)
}

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

// wayOut says of what is lost, or waits for that, what brings it back.
func wayOut(c engine.Change, now status.Outcome) string {
	switch now {
	case status.Protected:
		return fmt.Sprintf("put it back, and all is well; vpnd apply makes a new one, and then %s is void", c.Invalidates)
	case status.Waits:
		if c.Lacks != (resource.ID{}) {
			return fmt.Sprintf("until %s is put back", c.Lacks)
		}
	}
	return ""
}

// tries are why things were not done the last time.
func (f Findings) tries() map[resource.ID]string {
	errors := make(map[resource.ID]string)
	for _, d := range f.Drift {
		errors[d.ID] = d.Error
	}
	for _, p := range f.Pending {
		errors[p.ID] = p.Error
	}
	return errors
}

// meant is what is to be told of a thing before anything is done about it, since a
// service may take minutes to start: that it is under way, with the error of the last
// try where there was one.
func meant(decided status.Outcome, last string) (status.Outcome, string) {
	switch decided {
	case status.Repaired:
		return status.UnderWay, last
	case status.Failed: // and waits for its next try
		return status.Failed, last
	}
	return decided, ""
}

func underWay(drift []status.Drift, tries map[resource.ID]string) []status.Drift {
	var all []status.Drift
	for _, d := range drift {
		var last string
		d.Outcome, last = meant(d.Outcome, tries[d.ID])
		d.Error = cmp.Or(last, d.Error)
		all = append(all, d)
	}
	return all
}

// Became is what became of each resource of an apply: nil where all that was done to
// it worked.
func Became(r engine.Report) map[resource.ID]error {
	became := make(map[resource.ID]error)
	for _, result := range r.Results {
		became[result.ID] = errors.Join(became[result.ID], result.Err)
	}
	return became
}

// MostRecent is how many repairs are remembered.
const MostRecent = 20

// Acted returns the findings once a pass has done what it could, and its news with
// what became of them.
func (f Findings) Acted(p Pass, n News, became map[resource.ID]error) (Findings, News) {
	now := f
	now.Known = make(map[resource.ID]status.Drift, len(f.Known))
	for id, d := range f.Known {
		now.Known[id] = d
	}
	n.Drift = slices.Clone(n.Drift)
	var wrong []status.Drift
	for i := range n.Drift {
		d := &n.Drift[i]
		d.Outcome, d.Error = p.settled(d.Outcome, d.Error, d.ID, became)
		_, known := f.Known[d.ID]
		switch {
		case d.Outcome == status.Repaired:
			now.Recent = slices.Insert(slices.Clone(now.Recent), 0, *d)
			delete(now.Known, d.ID) // the next time is another time
			continue
		case known:
			now.Known[d.ID] = *d
		}
		wrong = append(wrong, *d)
	}
	now.Recent = now.Recent[:min(len(now.Recent), MostRecent)]
	now.Drift = f.beside(p, wrong)
	now.Pending = f.pending(p, became)
	return now, n
}

// pending tells what became of what the configuration asks for.
func (f Findings) pending(p Pass, became map[resource.ID]error) []status.Pending {
	var all []status.Pending
	for _, c := range f.Pending {
		if p.Scope.Holds(c.ID) {
			if c.Outcome, c.Error = p.settled(p.Decisions[c.ID].Outcome, c.Error, c.ID, became); c.Outcome == status.Repaired {
				continue
			}
		}
		all = append(all, c)
	}
	return all
}

// settled returns what became of a thing that was to be repaired; told is what was
// said of it before.
func (p Pass) settled(decided status.Outcome, told string, id resource.ID, became map[resource.ID]error) (status.Outcome, string) {
	err, tried := became[id]
	switch {
	case decided == status.Failed: // and waits for its next try
		return decided, p.Failed[id].Error()
	case decided != status.Repaired:
		return decided, told
	case tried && err == nil:
		return decided, ""
	case !tried: // the apply ended before
		return status.Waits, ""
	default:
		return status.Failed, err.Error()
	}
}
