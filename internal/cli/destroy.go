package cli

import (
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/resource"
)

func (a *app) destroyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "destroy",
		Short: "Take everything that vpnd made off the host and give back what it took over",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e, done, err := a.change(c.Context(), a.dir(nil))
			if err != nil {
				return err
			}
			defer done()
			if err := settled(e.Store); err != nil {
				return err
			}
			p, err := e.Plan(c.Context(), resource.Desired{Absent: e.Leftovers(nil)})
			if err != nil {
				return err
			}
			a.tellLeftOut(p)
			a.idle = "Nothing to do: vpnd has nothing on this host."
			return a.takeBack(c.Context(), e, p, "destroy", time.Time{}, f.yes)
		},
	}
	yesFlag(c, &f.yes)
	return c
}
