// Package view puts the status of the agent and the history into words for people.
// It reads nothing but what it is given; package report does the same for plans.
package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// A View writes for people.
type View struct {
	Text   report.Text                                 // where to, and how attributes are shown
	Fields func(kind string) map[string]resource.Field // attributes of a kind by name; none of one that is not known
}

func (v View) printf(format string, args ...any) { _, _ = fmt.Fprintf(v.Text.W, format, args...) }

func (v View) section(title string, n int) {
	if n > 0 {
		v.printf("\n%s\n", title)
	}
}

// diffs shows attributes of a thing in the words that its kind has for them.
func (v View) diffs(id resource.ID, diffs []resource.Diff) {
	fields := v.Fields(id.Kind)
	known := slices.Clone(diffs)
	for i, d := range known {
		if f, ok := fields[d.Attribute]; ok {
			known[i].Words, known[i].Computed, known[i].Glance = f.Words, f.Computed, f.Glance
		}
	}
	v.Text.Diffs(known)
}

func moment(t time.Time) string {
	if time.Since(t).Abs() < 24*time.Hour {
		return t.Local().Format(time.TimeOnly)
	}
	return t.Local().Format(time.DateTime)
}

func took(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

func known(by string) string {
	if by == "" {
		return "unknown"
	}
	return Printable(by)
}

// Printable keeps what stands in files and names of programs from steering the
// terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	return b.String()
}

// Clock is a time of today.
func Clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }
