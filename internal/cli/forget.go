package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) forgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget ADDRESS",
		Short: "Stop managing a block or a resource without touching the host",
		Args:  cobra.ExactArgs(1),

		ValidArgsFunction: a.completes(addressWords),

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
	if err := release(store, records); err != nil {
		return err
	}
	if err := store.Forget(records...); err != nil {
		return err
	}
	log := a.records()
	entry := state.Entry{Time: time.Now().UTC().Truncate(time.Second), By: person(), Command: "forget"}
	for _, r := range records {
		entry.Changes = append(entry.Changes, state.Done{ID: r.ID, Action: "forget", Reason: "asked for"})
		log.Info("forgotten", "id", r.ID, "command", entry.Command)
		_, _ = fmt.Fprintf(a.Out, "forgot %s\n", r.ID)
	}
	if len(records) == 0 {
		return nil
	}
	return store.Note(entry)
}

// release takes out of what is in force what is forgotten, or the agent would
// take it over again at its next look.
func release(store *state.Store, records []state.Record) error {
	wish, err := store.Wish()
	if err != nil || wish == nil {
		return err
	}
	before := len(wish.Present)
	wish.Present = slices.DeleteFunc(wish.Present, func(was state.Was) bool {
		return slices.ContainsFunc(records, func(r state.Record) bool { return r.ID == was.ID })
	})
	if len(wish.Present) == before {
		return nil
	}
	return errors.Join(store.Sign(wish), store.KeepWish(wish))
}

// forgotten notes what somebody has forgotten that the configuration still asks
// for: the next apply takes it over again.
func forgotten(store *state.Store, cfg *config.Config) ([]engine.Note, error) {
	fresh := make(map[resource.ID]bool)
	for _, r := range cfg.Desired.Present {
		if _, recorded := store.Record(r.ID); !recorded {
			fresh[r.ID] = true
		}
	}
	if len(fresh) == 0 {
		return nil, nil
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
