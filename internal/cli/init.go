package cli

import (
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"
)

//go:embed init/*.hcl
var starters embed.FS

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
	text, err := starters.ReadFile("init/" + kind + ".hcl")
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
	here := a.facts()
	_, err = f.Write(hclwrite.Format([]byte(here.fill(string(text)))))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, word := range here.says {
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

// facts looks for the way to the internet. A host without one gets names to
// be replaced.
func (a *app) facts() facts {
	if a.root != "/" {
		f := starterFor(surroundings{})
		f.says = []string{"the uplink and the address in the file are examples; write those of your host"}
		return f
	}
	s, err := look()
	if err != nil {
		a.say("this host's routes can't be read (%v), so the uplink in the file is a guess", err)
	}
	return starterFor(s)
}

// fill writes the facts where a starter names them. It does without
// text/template, which would keep every exported method in the binary.
func (f facts) fill(starter string) string {
	six := f.address.Is6()
	listen, network6, networks, address := "udp/1194", "", "openvpn_server.office.network", "vpn.example.com"
	if f.address.IsValid() {
		address = f.address.String()
	}
	if six {
		listen, networks = "udp6/1194", networks+", openvpn_server.office.network6"
		networks += fmt.Sprintf("]\n  accept_ra = %t # whether the kernel learns the uplink's route from router advertisements", f.ra)
		network6 = fmt.Sprintf("\n  network6 = %q # unique local, RFC 4193", unique())
	}
	if !six {
		networks += "]"
	}
	return strings.NewReplacer(
		"{{.Listen}}", listen, "{{.Network}}", f.network.String(), "{{.Network6}}", network6, "{{.Address}}", address,
		"{{.Push}}", f.push(six), "{{.Uplink}}", f.uplink, "{{.Networks}}", networks,
	).Replace(starter)
}

// push is what clients are told: the networks that this host is in, or to send
// everything here, which needs somebody to ask for names.
func (f facts) push(six bool) string {
	if len(f.behind) > 0 && !six {
		var quoted []string
		for _, n := range f.behind {
			quoted = append(quoted, strconv.Quote(n.String()))
		}
		return "    routes = [" + strings.Join(quoted, ", ") + "] # what clients reach; redirect_gateway = true is for everything"
	}
	return fmt.Sprintf("    redirect_gateway = true # all that clients send; or routes, as in [\"10.0.0.0/16\"]\n"+
		"    dns              = [%q] # whom they ask for names", resolver("/etc/resolv.conf", six))
}

// unique is a unique local network by chance, as RFC 4193 wants it.
func unique() netip.Prefix {
	id := [16]byte{0xfd}
	rand.Read(id[1:6])
	return netip.PrefixFrom(netip.AddrFrom16(id), 64)
}
