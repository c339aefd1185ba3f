package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/report"
	"vpnd/internal/state"
)

// History tells entries in a line each, or each change of them at length.
func (v View) History(entries []state.Entry, long bool) {
	for _, e := range entries {
		if long {
			v.entry(e)
		} else {
			v.printf("%s\n", headline(e, summary(e)))
		}
	}
}

// headline is an entry in a line: when, by which command, how much, and what.
func headline(e state.Entry, what string) string {
	noun, command := "change", e.Command
	if e.Command == state.Noticed || e.Command == state.Tunnel || e.Command == "forget" {
		noun = "thing"
	}
	if e.By != "" {
		command += " by " + Printable(e.By)
	}
	line := fmt.Sprintf("%s  %s, %s", e.Time.Format(time.RFC3339), command, report.Count(len(e.Changes), noun))
	failed := 0
	for _, c := range e.Changes {
		if c.Error != "" && e.Command != state.Noticed {
			failed++
		}
	}
	switch {
	case failed > 0:
		line += fmt.Sprintf(", %d failed", failed)
	case e.Error != "":
		line += ", ended early"
	}
	if e.Snapshot != "" {
		line += ", undone by: vpnd rollback " + e.Snapshot
	}
	return line + what
}

// summary is what an entry was about, as far as a line holds it.
func summary(e state.Entry) string {
	if len(e.Changes) == 0 {
		return ""
	}
	first := e.Changes[0]
	words := ": " + what(first)
	if len(e.Changes) == 1 {
		return words + " (" + cause(first) + ")"
	}
	words += fmt.Sprintf(" and %d more", len(e.Changes)-1)
	var by []string
	for _, c := range e.Changes {
		if c.By != "" && !slices.Contains(by, c.By) {
			by = append(by, c.By)
		}
	}
	if len(by) > 0 {
		words += " (by " + Printable(strings.Join(by[:min(len(by), mostWriters)], "; "))
		if more := len(by) - mostWriters; more > 0 {
			words += fmt.Sprintf("; and %d more", more)
		}
		words += ")"
	}
	return words
}

// mostWriters is how many programs a line names.
const mostWriters = 3

// entry tells an entry at length.
func (v View) entry(e state.Entry) {
	v.printf("%s\n", headline(e, ""))
	if e.Error != "" {
		v.printf("    ended early: %s\n", Printable(e.Error))
	}
	for _, c := range e.Changes {
		v.printf("    %s (%s)\n", what(c), cause(c))
		diffs := c.Diffs
		if e.Command == state.Noticed { // nothing was done: what is told is the way it went
			diffs = report.Reversed(diffs)
		}
		v.diffs(c.ID, diffs)
		switch {
		case c.Error == "":
		case e.Command == state.Noticed:
			v.printf("        can't be looked at: %s\n", Printable(c.Error))
		default:
			v.printf("        failed: %s\n", Printable(c.Error))
		}
	}
}

// what is a change in words; nothing was to be done about what could not be
// looked at.
func what(c state.Done) string {
	if c.Action == "" {
		return c.ID.String()
	}
	return c.Action + " " + c.ID.String()
}

// cause is why a change was made, and of a drift how it was noticed, who made
// it, and why it was left alone.
func cause(c state.Done) string {
	words := strings.ReplaceAll(c.Reason, "_", " ")
	if c.Noticed != "" {
		words += ", noticed by " + c.Noticed
	}
	if c.By != "" {
		words += ", by " + Printable(c.By)
	}
	if c.Outcome != "" {
		words += ", " + c.Outcome
	}
	return words
}
