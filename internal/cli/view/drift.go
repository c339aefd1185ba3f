package view

import (
	"time"

	"vpnd/internal/report"
	"vpnd/internal/status"
)

func (v View) moved(s Standing) {
	v.section("Drift", len(s.Drift))
	for _, d := range s.Drift {
		d.Diffs = report.Reversed(d.Diffs)
		v.drifted(d)
	}
	v.section("Not done yet", len(s.Pending))
	for i, p := range s.Pending {
		if i == mostPending {
			v.printf("  and %d more; vpnd plan shows them\n", len(s.Pending)-i)
			break
		}
		if s.Surveyed { // and nobody was there to do it
			v.printf("  %s %s (%s)\n", p.Action, p.ID, p.Reason)
			continue
		}
		v.printf("  %s %s: %s\n", p.Action, p.ID, p.Outcome)
		v.failure(p.Outcome, p.Error)
	}
	v.section("Flapping", len(s.Flapping))
	for _, f := range s.Flapping {
		v.printf("  %s: %d repairs since %s, the other writer is %s", f.ID, f.Repairs, moment(f.Since), known(f.By))
		if f.Until.After(time.Now()) {
			v.printf("; left alone until %s", moment(f.Until))
		}
		v.printf("\n")
	}
	v.section("Repaired lately", len(s.Recent))
	for _, d := range s.Recent[:min(len(s.Recent), 5)] {
		v.drifted(d)
	}
	v.section("Checks that do not hold", len(s.Failing))
	for _, f := range s.Failing {
		v.printf("  %s, since %s: %s\n", f.Check, moment(f.Since), Printable(f.Error))
	}
	v.section("Notes", len(s.Notes))
	for _, n := range s.Notes {
		v.printf("  %s\n", Printable(n))
	}
	v.section("Could not be observed", len(s.Unknown))
	for _, u := range s.Unknown {
		v.unknown(u)
	}
}

func (v View) unknown(u status.Unknown) {
	if u.Since.IsZero() {
		v.printf("  %s: %s\n", u.ID, Printable(u.Error))
		return
	}
	v.printf("  %s  %s: left alone", moment(u.Since), u.ID)
	if u.By != "" {
		v.printf(", by %s", Printable(u.By))
	}
	v.printf(" (noticed by %s)\n      %s\n", u.Noticed, Printable(u.Error))
}

func (v View) drifted(d status.Drift) {
	if d.Since.IsZero() { // seen just now, and nobody knows more
		v.printf("  %s (%s)\n", d.ID, d.Reason)
		v.diffs(d.ID, d.Diffs)
		return
	}
	v.printf("  %s  %s: %s", moment(d.Since), d.ID, d.Outcome)
	if d.By != "" {
		v.printf(", by %s", Printable(d.By))
	}
	v.printf(" (%s, noticed by %s)\n", d.Reason, d.Noticed)
	v.diffs(d.ID, d.Diffs)
	v.failure(d.Outcome, d.Error)
}

// failure says why a thing was not done, and of one that is under way why it
// was not the last time.
func (v View) failure(o status.Outcome, text string) {
	switch {
	case text == "":
	case o == status.UnderWay:
		v.printf("      the last try failed: %s\n", Printable(text))
	default:
		v.printf("      %s\n", Printable(text))
	}
}
