package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/report"
)

func (a *app) driftCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "drift",
		Short: "Show what moved behind vpnd's back; change nothing",
		Long: `Shows what moved behind vpnd's back. Exits with 0 where nothing did, 3 where
something did, and 1 where something could not be looked at.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, _, err := a.planned(c.Context(), nil, a.plan)
			if err != nil {
				return err
			}
			return a.showDrift(p, asJSON)
		},
	}
	a.verboseFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) showDrift(p *engine.Plan, asJSON bool) error {
	moved := &engine.Plan{Problems: p.Problems, Notes: p.Notes}
	for _, c := range p.Changes {
		if c.IsDrift {
			moved.Changes = append(moved.Changes, c)
		}
	}
	switch {
	case asJSON:
		if err := report.WriteJSON(a.Out, report.ToJSON(moved)); err != nil {
			return err
		}
	case len(moved.Changes)+len(moved.Problems) == 0:
		a.text().Notes(moved)
		_, _ = fmt.Fprintln(a.Out, "No drift: all that vpnd applied is as it left it.")
	default:
		a.text().Drift(moved)
	}
	switch {
	case len(moved.Problems) > 0:
		return exitStatus(exitError)
	case len(moved.Changes) > 0:
		return exitStatus(exitDrift)
	}
	return nil
}
