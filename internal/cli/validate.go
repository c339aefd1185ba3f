package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"vpnd/internal/report"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration, as far as that goes without a host",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.advise = true
			cfg, err := a.load()
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.Out, "The configuration is valid: %s, %s.\n",
				report.Count(len(cfg.Blocks), "block"), report.Count(len(cfg.Desired.Present), "resource"))
			return nil
		},
	}
}

func (a *app) graphCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "graph",
		Short: "Write what depends on what, as Graphviz DOT",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			a.advise = true
			cfg, err := a.load()
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintln(a.Out, "digraph vpnd {\n  rankdir = \"RL\";\n  node [shape = box];")
			for _, b := range cfg.Blocks {
				_, _ = fmt.Fprintf(a.Out, "  %q;\n", b.ID.String())
				for _, needed := range b.After {
					_, _ = fmt.Fprintf(a.Out, "  %q -> %q;\n", b.ID.String(), needed.String())
				}
			}
			_, _ = fmt.Fprintln(a.Out, "}")
			return nil
		},
	}
}
