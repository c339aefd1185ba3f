package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vpnd/internal/cli/starter"

	"github.com/spf13/cobra"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "init [openvpn]",
		Short:     "Write a commented starter configuration that fits this host",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"openvpn"},
		RunE: func(_ *cobra.Command, args []string) error {
			kind := "openvpn"
			if len(args) == 1 {
				kind = args[0]
			}
			return a.initialize(kind)
		},
	}
}

// initialize writes the starter configuration to the first place of --config,
// a file where it ends in .hcl, a directory otherwise. It never overwrites.
func (a *app) initialize(kind string) error {
	path := a.config[0]
	if filepath.Ext(path) != ".hcl" {
		path = filepath.Join(path, "vpn.hcl")
	}
	here := starter.Elsewhere()
	if a.root == "/" {
		here = starter.Here()
	}
	text, err := here.Fill(kind)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is not overwritten; choose another place with --config", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, word := range here.Says {
		a.say("%s", word)
	}
	_, _ = fmt.Fprintf(a.Out, "Wrote %s. Read it, then: vpnd plan%s\n", path, a.again())
	return nil
}

// again is how to name the same configuration in the next command.
func (a *app) again() string {
	switch {
	case a.config[0] != a.below("/etc/vpnd"):
		return " --config " + a.config[0]
	case a.root != "/":
		return " --root " + a.root
	}
	return ""
}
