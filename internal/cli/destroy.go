package cli

import (
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

func (a *app) destroyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "destroy",
		Short: "Take everything that vpnd made off the host and give back what it took over",
		Args:  cobra.NoArgs,
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
			return a.takeBack(c.Context(), e, p, "destroy", time.Time{})
		},
	}
	yesFlag(c, &f.yes)
	return c
}
