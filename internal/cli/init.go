package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/importing"
	"vpnd/internal/cli/starter"
	"vpnd/internal/config/bounds"
)

func (a *app) initCommand() *cobra.Command {
	kinds := starter.Kinds()
	return &cobra.Command{
		Use:       "init [" + strings.Join(kinds, "|") + "]",
		Short:     "Write a commented starter configuration that fits this host",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: kinds,
		RunE: func(_ *cobra.Command, args []string) error {
			kind := "openvpn"
			if len(args) == 1 {
				kind = args[0]
			}
			return a.initialize(kind)
		},
	}
}

// document reads a file that a person names, or the standard input as -.
func (a *app) document(path string) ([]byte, error) {
	if path == "-" {
		return bounds.Input(a.In)
	}
	return bounds.Read(path)
}

// importSession is what vpnd import reads, writes and knows.
func (a *app) importSession() *importing.Session {
	return &importing.Session{
		In: a.In, Out: a.Out, Err: a.Err,
		Asks: func() bool { return isTerminal(a.In) },
		Read: a.document,
		Here: func() importing.Host {
			if a.root != "/" {
				return importing.Host{}
			}
			return importing.Host{Uplink: starter.Here().Uplink(), Addresses: ownAddresses()}
		},
		Directory: func() string {
			if filepath.Ext(a.config[0]) == ".hcl" {
				return filepath.Dir(a.config[0])
			}
			return a.config[0]
		},
	}
}

// ownAddresses are those of this host, as far as that can be told.
func ownAddresses() []netip.Addr {
	all, _ := net.InterfaceAddrs()
	var own []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p.Addr())
		}
	}
	return own
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
	for _, word := range here.About(kind) {
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
