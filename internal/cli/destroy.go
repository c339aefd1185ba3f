package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func (a *app) destroyCommand() *cobra.Command {
	var f applyFlags
	var purge bool
	c := &cobra.Command{
		Use:   "destroy",
		Short: "Take everything that vpnd made off the host and give back what it took over",
		Long: `Takes everything that vpnd made off the host and gives back what it took over.
vpnd rollback brings it back, and so the snapshots stay, and apart from them the
secrets that they need. With --purge these go too, with the key of the digests:
nothing can be undone any more, and an agent leaves the host alone until the next
vpnd apply. The history stays.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer undisturbed()()
			e, p, done, err := a.agreed(c.Context(), a.dir(nil), f.yes, func(e *engine.Engine) (*engine.Plan, error) {
				if err := settled(e.Store); err != nil {
					return nil, err
				}
				a.idle = "Nothing to do: vpnd has nothing on this host."
				return e.Plan(c.Context(), resource.Desired{Absent: e.Leftovers(nil)})
			})
			if err != nil {
				return err
			}
			defer done()
			if e.Resumes, err = destroying(e.Store); err != nil {
				return err
			}
			unkept := e.Store.Destroy(e.Now(), p.Touched())
			if err := a.takeBack(c.Context(), e, p, "destroy", unkept, false); err != nil {
				return err
			}
			if err := unreturned(p); err != nil {
				return err
			}
			if purge {
				if err := a.purge(e); err != nil {
					return err
				}
			}
			a.tellLeft(p, e.Store.Dir())
			if len(p.Changes) > 0 && !purge {
				a.printf("\nTo undo this: vpnd rollback%s\nFor that, keys and secrets stay in %s until: vpnd destroy --purge%[1]s\n", a.sameState(), e.Store.Dir())
			}
			return nil
		},
	}
	yesFlag(c, &f.yes)
	c.Flags().BoolVar(&purge, "purge", false, "also remove what an undo would need, and the secrets among it")
	a.verboseFlag(c)
	return c
}

func (a *app) purge(e *engine.Engine) error {
	gone, err := e.Store.Purge(e.Now())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.Out, "\nPurged %s: %s, the secrets that they needed, and the key of the digests. Nothing can be undone any more; the history stays.\n",
		e.Store.Dir(), report.Count(gone, "snapshot"))
	return nil
}

// unreturned is an error about what a destroy could not give back.
func unreturned(p *engine.Plan) error {
	var errs []error
	for _, lost := range p.Lost {
		errs = append(errs, fmt.Errorf("%s is not given back: %w; what was vpnd's there is gone, so see how it should be", lost.ID, lost.Err))
	}
	return errors.Join(errs...)
}

// destroying returns the snapshot of a destroy that did not come to its end and
// that this one goes on with, so that an undo takes back both; none where there
// is none.
func destroying(store *state.Store) (string, error) {
	gone, err := store.Destroyed()
	if err != nil || !gone {
		return "", err
	}
	wish, err := store.Wish()
	if err != nil {
		return "", err
	}
	snap, err := store.Snapshot("")
	if err != nil || snap.Taken.Before(wish.Since) {
		return "", nil // it had nothing to do
	}
	return snap.Name, nil
}
