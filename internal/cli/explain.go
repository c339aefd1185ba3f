package cli

import (
	"github.com/spf13/cobra"

	"vpnd/internal/config/explain"
)

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
