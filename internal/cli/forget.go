package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) forgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget ADDRESS",
		Short: "Stop managing a block or a resource without touching the host",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, done, err := a.change(c.Context(), a.dir(nil))
			if err != nil {
				return err
			}
			defer done()
			records, err := recorded(e.Store, args)
			if err != nil {
				return err
			}
			return a.forget(e.Store, records)
		},
	}
}

// recorded returns the records of an address, all without one.
func recorded(store *state.Store, args []string) ([]state.Record, error) {
	if len(args) == 0 {
		return store.Records(), nil
	}
	id, err := resource.ParseID(args[0])
	if err != nil {
		return nil, err
	}
	var found []state.Record
	for _, r := range store.Records() {
		if r.ID == id || slices.ContainsFunc(r.Owners, func(o resource.Owner) bool { return o.Block == id }) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("nothing is recorded of %s; vpnd show lists what is", id)
	}
	return found, nil
}

func (a *app) forget(store *state.Store, records []state.Record) error {
	if err := store.Forget(records...); err != nil {
		return err
	}
	for _, r := range records {
		_, _ = fmt.Fprintf(a.Out, "forgot %s\n", r.ID)
	}
	return nil
}
