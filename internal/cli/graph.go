package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

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
