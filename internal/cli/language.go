package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"vpnd/internal/config/explain"
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

func (a *app) explainCommand() *cobra.Command {
	var manual bool
	c := &cobra.Command{
		Use:   "explain [BLOCK[.ATTRIBUTE]]",
		Short: "Tell what a block or an attribute of the language means",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return a.blockNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 {
				path = args[0]
			}
			if manual {
				_, err := a.Out.Write([]byte(explain.Manual(a.catalog())))
				return err
			}
			text, err := explain.Text(a.catalog(), path)
			if err != nil {
				return err
			}
			_, err = a.Out.Write([]byte(text))
			return err
		},
	}
	// For the manual page, which make install puts together.
	c.Flags().BoolVar(&manual, "manual", false, "write all blocks as a section of a manual page")
	_ = c.Flags().MarkHidden("manual")
	return c
}

func (a *app) blockNames() []string {
	var names []string
	c := a.catalog()
	for _, k := range c.Kinds {
		names = append(names, k.Name)
	}
	for _, k := range c.Composites {
		names = append(names, k.Name)
	}
	return names
}
