package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/report"
	"vpnd/internal/state"
)

func (a *app) historyCommand() *cobra.Command {
	var asJSON, long bool
	var lines int
	c := &cobra.Command{
		Use:   "history [WHICH]",
		Short: "List past applies, repairs and rollbacks, and drift that was left alone",
		Long: `Lists what was done to this host, and what moved on it, the latest last and a
line each.

WHICH chooses: a time as it is listed or its beginning ("2026-11-22" is that day),
the snapshot of an apply, or the ID of a resource. What is chosen is told at
length: each change with its reason, and of drift from what to what, how it was
noticed and, where the kernel tells, which program it was.`,
		Example: `  vpnd history -n 10
  vpnd history 2026-11-22T08:15
  vpnd history 'file["/etc/motd"]'`,
		Args: cobra.MaximumNArgs(1),

		ValidArgsFunction: a.completes(func(s *state.Store) []string { return append(addressWords(s), snapshotWords(s)...) }),

		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("lines") && lines < 1 {
				return fmt.Errorf("--lines %d is no number of entries; write 1 or more", lines)
			}
			store, err := state.Read(a.dir(nil))
			if err != nil {
				return err
			}
			entries, err := store.History()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				long = true
				if entries = chosen(entries, args[0]); len(entries) == 0 {
					return fmt.Errorf("nothing in the history is of %s; vpnd history lists all", args[0])
				}
			}
			if c.Flags().Changed("lines") {
				entries = entries[max(0, len(entries)-lines):]
			}
			if err := offer(store, entries); err != nil {
				return err
			}
			return a.showHistory(entries, long, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVarP(&long, "long", "l", false, "tell each change of each entry")
	c.Flags().IntVarP(&lines, "lines", "n", 0, "list only that many, the latest")
	return c
}

// offer leaves out of the entries the snapshots that are no more: they were gone
// back to, or were the oldest of too many.
func offer(store *state.Store, entries []state.Entry) error {
	names, err := store.Snapshots()
	for i, e := range entries {
		if !slices.Contains(names, e.Snapshot) {
			entries[i].Snapshot = ""
		}
	}
	return err
}

// chosen returns the entries of that time, snapshot or resource; of a resource
// with its own changes only.
func chosen(entries []state.Entry, which string) []state.Entry {
	var some []state.Entry
	for _, e := range entries {
		if e.Snapshot == which || strings.HasPrefix(e.Time.Format(time.RFC3339), which) {
			some = append(some, e)
			continue
		}
		e.Changes = slices.DeleteFunc(slices.Clone(e.Changes), func(c state.Done) bool { return c.ID.String() != which })
		if len(e.Changes) > 0 {
			some = append(some, e)
		}
	}
	return some
}

func (a *app) showHistory(entries []state.Entry, long, asJSON bool) error {
	if asJSON {
		return report.WriteJSON(a.Out, entries)
	}
	if len(entries) == 0 {
		a.say("nothing has been done to this host yet; vpnd apply will be the first entry")
	}
	for _, e := range entries {
		if long {
			a.showEntry(e)
		} else {
			a.printf("%s\n", headline(e, summary(e)))
		}
	}
	return nil
}

// headline is an entry in a line: when, by which command, how much, and what.
func headline(e state.Entry, what string) string {
	noun, command := "change", e.Command
	if e.Command == state.Noticed || e.Command == "forget" {
		noun = "thing"
	}
	if e.By != "" {
		command += " by " + printable(e.By)
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
		words += " (by " + printable(strings.Join(by[:min(len(by), mostWriters)], "; "))
		if more := len(by) - mostWriters; more > 0 {
			words += fmt.Sprintf("; and %d more", more)
		}
		words += ")"
	}
	return words
}

// mostWriters is how many programs a line names.
const mostWriters = 3

// showEntry tells an entry at length.
func (a *app) showEntry(e state.Entry) {
	a.printf("%s\n", headline(e, ""))
	if e.Error != "" {
		a.printf("    ended early: %s\n", printable(e.Error))
	}
	for _, c := range e.Changes {
		a.printf("    %s (%s)\n", what(c), cause(c))
		diffs := c.Diffs
		if e.Command == state.Noticed { // nothing was done: what is told is the way it went
			diffs = report.Reversed(diffs)
		}
		a.showDiffs(c.ID, diffs)
		switch {
		case c.Error == "":
		case e.Command == state.Noticed:
			a.printf("        can't be looked at: %s\n", printable(c.Error))
		default:
			a.printf("        failed: %s\n", printable(c.Error))
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
		words += ", by " + printable(c.By)
	}
	if c.Outcome != "" {
		words += ", " + c.Outcome
	}
	return words
}
