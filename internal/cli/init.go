package cli

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vishvananda/netlink"
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
// a file where it ends in .hcl, a folder otherwise. It never overwrites.
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
	_, err = f.WriteString(a.facts().fill(string(text)))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
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

// facts are what a starter configuration says of this host.
type facts struct {
	Uplink  string // the interface of the default route
	Address string // its first address
}

// fill writes the facts where a starter names them. It does without
// text/template, which would keep every exported method in the binary.
func (f facts) fill(starter string) string {
	return strings.NewReplacer("{{.Uplink}}", f.Uplink, "{{.Address}}", f.Address).Replace(starter)
}

// facts looks for the way to the internet. A host without one gets names to
// be replaced.
func (a *app) facts() facts {
	found := facts{Uplink: "eth0", Address: "vpn.example.com"}
	if a.root != "/" {
		a.say("the uplink and the address in the file are examples; write those of your host")
		return found
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil || len(routes) == 0 {
		a.say("this host has no default route, so the uplink in the file is a guess")
		return found
	}
	link, err := net.InterfaceByIndex(routes[0].LinkIndex)
	if err != nil {
		return found
	}
	found.Uplink = link.Name
	addrs, err := link.Addrs()
	if err != nil {
		return found
	}
	for _, addr := range addrs {
		if n, ok := addr.(*net.IPNet); ok && n.IP.To4() != nil {
			found.Address = n.IP.String()
			break
		}
	}
	return found
}
