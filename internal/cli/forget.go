package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/lock"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) forgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget ADDRESS",
		Short: "Stop managing a block or a resource without touching the host",
		Long: `Stops managing a block or a resource without touching the host. It is left
alone from then on, by undoes of earlier applies too, until the next vpnd apply
of a configuration that still asks for it.`,
		Args: cobra.ExactArgs(1),

		ValidArgsFunction: a.completes(addressWords),

		RunE: func(c *cobra.Command, args []string) error {
			t, err := a.host(a.dir(nil)).Begin(c.Context())
			if err != nil {
				return err
			}
			defer t.Close()
			if _, err := recorded(t.Engine.Store, args); err != nil {
				return err
			}
			if err := a.forgettable(t.Engine.Store); err != nil {
				return err
			}
			return a.forget(t.Engine.Store, args[0])
		},
	}
}

// forgettable is an error where an agent would take up again what is forgotten: it
// has in memory what can't be read in the state.
func (a *app) forgettable(store *state.Store) error {
	_, damage, err := store.Standing()
	switch {
	case err != nil || damage == nil:
		return err
	case lock.AgentRuns(a.runDir):
		return fmt.Errorf("the agent that runs would take it up again, since it alone knows what is in force: %w; else end the agent first: systemctl stop vpnd", damage)
	}
	a.say("%v", damage)
	return nil
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
		if addressed(id)(r.ID, r.Owners) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("nothing is recorded of %s; vpnd show lists what is", id)
	}
	return found, nil
}

// addressed says which things an address stands for.
func addressed(address resource.ID) func(resource.ID, []resource.Owner) bool {
	return func(id resource.ID, owners []resource.Owner) bool {
		return id == address || slices.ContainsFunc(owners, func(o resource.Owner) bool { return o.Block == address })
	}
}

func (a *app) forget(store *state.Store, address string) error {
	id, err := resource.ParseID(address)
	if err != nil {
		return err
	}
	records, err := store.Forget(addressed(id))
	if err != nil {
		return err
	}
	log := a.records()
	entry := state.Entry{Time: time.Now().UTC().Truncate(time.Second), By: person(), Command: "forget"}
	for _, r := range records {
		entry.Changes = append(entry.Changes, state.Done{ID: r.ID, Action: "forget", Reason: "asked for"})
		log.Info("resource forgotten", "id", r.ID, "command", entry.Command)
		_, _ = fmt.Fprintf(a.Out, "forgot %s\n", r.ID)
	}
	return store.Note(entry)
}

// forgotten notes what somebody has forgotten that the configuration still asks
// for: the next apply takes it over again.
func forgotten(store *state.Store, cfg *config.Config) ([]engine.Note, error) {
	fresh := make(map[resource.ID]bool)
	for _, r := range cfg.Desired.Present {
		if store.Past(r.ID) == nil {
			fresh[r.ID] = true
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	if ever, err := store.Noted("forget"); err != nil || !ever {
		return nil, err
	}
	entries, err := store.History()
	if err != nil {
		return nil, err
	}
	var notes []engine.Note
	for _, e := range slices.Backward(entries) {
		for _, c := range e.Changes {
			if fresh[c.ID] && e.Command == "forget" {
				notes = append(notes, engine.Note{ID: c.ID, Text: "was forgotten on " + e.Time.Local().Format(time.DateTime) +
					" and is still in the configuration, so vpnd apply manages it again; to leave it alone, take it out of the files"})
			}
			delete(fresh, c.ID)
		}
	}
	return notes, nil
}
