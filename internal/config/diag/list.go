package diag

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Most is how many mistakes and warnings are told before the rest is only counted:
// nobody reads them, and each costs time.
const Most = 100

// A List gathers what is wrong. The zero List is empty.
type List struct {
	told   hcl.Diagnostics
	untold int // beyond those that are told
}

// Error takes note of a mistake.
func (l *List) Error(at hcl.Range, summary, detail string, args ...any) {
	l.Tell(Error(at, summary, detail, args...))
}

// Add takes note of diagnostics of HCL, in the words of vpnd.
func (l *List) Add(diags hcl.Diagnostics) { l.Tell(Polish(diags)...) }

// Tell takes note of diagnostics. An error is never left out for a warning's sake.
func (l *List) Tell(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		if l.full() && (l.HasErrors() || d.Severity != hcl.DiagError) {
			l.untold++
			continue
		}
		l.told = append(l.told, d)
	}
}

// full says whether there are as many mistakes as anybody reads.
func (l *List) full() bool { return len(l.told) >= Most }

// HasErrors says whether anything is wrong that keeps the configuration from being
// applied.
func (l *List) HasErrors() bool { return l.told.HasErrors() }

// TellOf says whether something is told of a place, or of a part of it.
func (l *List) TellOf(at hcl.Range) bool {
	return slices.ContainsFunc(l.told, func(d *hcl.Diagnostic) bool { return Place(d).Overlaps(at) })
}

// Suggest is [Suggest], as long as anybody reads it.
func (l *List) Suggest(given string, names func() []string) string {
	if l.full() {
		return ""
	}
	return Suggest(given, names())
}

// All returns the diagnostics, in the order of the files.
func (l *List) All() hcl.Diagnostics {
	diags := tidy(slices.Clone(l.told))
	switch {
	case l.untold == 0:
	case l.HasErrors():
		diags = append(diags, Error(hcl.Range{}, "More mistakes", "There %s more; mend these first.", count(l.untold)))
	default:
		diags = append(diags, Warning(hcl.Range{}, "More warnings", "There %s more; mend these first.", count(l.untold)))
	}
	return diags
}

// tidy brings diagnostics into the order of the files and drops repetitions.
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		x, y := Place(a), Place(b)
		return cmp.Or(cmp.Compare(x.Filename, y.Filename), cmp.Compare(x.Start.Byte, y.Start.Byte))
	})
	return slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool {
		return a.Severity == b.Severity && Place(a) == Place(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

func count(n int) string {
	if n == 1 {
		return "is one"
	}
	return fmt.Sprintf("are %d", n)
}
