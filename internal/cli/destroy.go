package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/transaction"
)

func (a *app) destroyCommand() *cobra.Command {
	var yes, purge bool
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
			t, p, err := a.host(a.dir(nil)).Agree(c.Context(), yes, func(t *transaction.Transaction) (*engine.Plan, error) {
				if err := t.Settled(); err != nil {
					return nil, err
				}
				a.idle = "Nothing to do: vpnd has nothing on this host."
				return t.Engine.Plan(c.Context(), resource.Desired{Absent: t.Engine.Leftovers(nil)})
			})
			if err != nil {
				return err
			}
			defer t.Close()
			if err := t.Destroy(c.Context(), p); err != nil {
				return err
			}
			if purge {
				if err := a.purge(t.Engine); err != nil {
					return err
				}
			}
			a.tellLeft(p, t.Engine.Store.Dir())
			if len(p.Changes) > 0 && !purge {
				a.printf("\nTo undo this: vpnd rollback%s\nFor that, keys and secrets stay in %s until: vpnd destroy --purge%[1]s\n", a.sameState(), t.Engine.Store.Dir())
			}
			return nil
		},
	}
	yesFlag(c, &yes)
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
