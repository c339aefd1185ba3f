package cli

import (
	"slices"
	"time"

	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

func (a *app) showMoved(s standing) {
	a.section("Drift", len(s.Drift))
	for _, d := range s.Drift {
		d.Diffs = report.Reversed(d.Diffs)
		a.showDrifted(d)
	}
	a.section("Not done yet", len(s.Pending))
	for i, p := range s.Pending {
		if i == mostPending {
			a.printf("  and %d more; vpnd plan shows them\n", len(s.Pending)-i)
			break
		}
		if s.surveyed { // and nobody was there to do it
			a.printf("  %s %s (%s)\n", p.Action, p.ID, p.Reason)
			continue
		}
		a.printf("  %s %s: %s\n", p.Action, p.ID, p.Outcome)
		a.showFailure(p.Outcome, p.Error)
	}
	a.section("Flapping", len(s.Flapping))
	for _, f := range s.Flapping {
		a.printf("  %s: %d repairs since %s, the other writer is %s", f.ID, f.Repairs, moment(f.Since), known(f.By))
		if f.Until.After(time.Now()) {
			a.printf("; left alone until %s", moment(f.Until))
		}
		a.printf("\n")
	}
	a.section("Repaired lately", len(s.Recent))
	for _, d := range s.Recent[:min(len(s.Recent), 5)] {
		a.showDrifted(d)
	}
	a.section("Checks that do not hold", len(s.Failing))
	for _, f := range s.Failing {
		a.printf("  %s, since %s: %s\n", f.Check, moment(f.Since), printable(f.Error))
	}
	a.section("Notes", len(s.Notes))
	for _, n := range s.Notes {
		a.printf("  %s\n", printable(n))
	}
	a.section("Could not be observed", len(s.Unknown))
	for _, u := range s.Unknown {
		a.showUnknown(u)
	}
}

func (a *app) showUnknown(u status.Unknown) {
	if u.Since.IsZero() {
		a.printf("  %s: %s\n", u.ID, printable(u.Error))
		return
	}
	a.printf("  %s  %s: left alone", moment(u.Since), u.ID)
	if u.By != "" {
		a.printf(", by %s", printable(u.By))
	}
	a.printf(" (noticed by %s)\n      %s\n", u.Noticed, printable(u.Error))
}

func (a *app) showDrifted(d status.Drift) {
	if d.Since.IsZero() { // seen just now, and nobody knows more
		a.printf("  %s (%s)\n", d.ID, d.Reason)
		a.showDiffs(d.ID, d.Diffs)
		return
	}
	a.printf("  %s  %s: %s", moment(d.Since), d.ID, d.Outcome)
	if d.By != "" {
		a.printf(", by %s", printable(d.By))
	}
	a.printf(" (%s, noticed by %s)\n", d.Reason, d.Noticed)
	a.showDiffs(d.ID, d.Diffs)
	a.showFailure(d.Outcome, d.Error)
}

// showFailure says why a thing was not done, and of one that is under way why it
// was not the last time.
func (a *app) showFailure(o status.Outcome, text string) {
	switch {
	case text == "":
	case o == status.UnderWay:
		a.printf("      the last try failed: %s\n", printable(text))
	default:
		a.printf("      %s\n", printable(text))
	}
}

// showDiffs shows attributes of a thing in the words that its kind has for them.
func (a *app) showDiffs(id resource.ID, diffs []resource.Diff) {
	fields := a.fields(id.Kind)
	known := slices.Clone(diffs)
	for i, d := range known {
		if f, ok := fields[d.Attribute]; ok {
			known[i].Words, known[i].Computed, known[i].Glance = f.Words, f.Computed, f.Glance
		}
	}
	a.text().Diffs(known)
}
