package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/report"
	"vpnd/internal/state"
)

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "history",
		Short: "List past applies and rollbacks",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := state.Read(a.dir(nil))
			if err != nil {
				return err
			}
			entries, err := store.History()
			if err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, entries)
			}
			for _, e := range entries {
				a.showEntry(e)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) showEntry(e state.Entry) {
	line := fmt.Sprintf("%s  %s, %s", e.Time.Format(time.RFC3339), e.Command, report.Count(len(e.Changes), "change"))
	if e.Snapshot != "" {
		line += ", undone by: vpnd rollback " + e.Snapshot
	}
	_, _ = fmt.Fprintln(a.Out, line)
	if e.Error != "" {
		_, _ = fmt.Fprintf(a.Out, "    ended early: %s\n", printable(e.Error))
	}
	for _, c := range e.Changes {
		_, _ = fmt.Fprintf(a.Out, "    %s %s (%s)\n", c.Action, c.ID, cause(c))
		for _, d := range c.Diffs {
			a.showDiff(d)
		}
		if c.Error != "" {
			_, _ = fmt.Fprintf(a.Out, "        failed: %s\n", printable(c.Error))
		}
	}
}

// cause is why a change was made, and of a repair how it was noticed and who
// made it necessary.
func cause(c state.Done) string {
	words := c.Reason
	if c.Noticed != "" {
		words += ", noticed by " + c.Noticed
	}
	if c.By != "" {
		words += ", by " + printable(c.By)
	}
	return words
}
