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
			if asJSON {
				return report.WriteJSON(a.Out, entries)
			}
			a.view(a.Out).History(entries, long)
			return nil
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
