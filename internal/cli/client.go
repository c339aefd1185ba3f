package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// mostProfile is how large a profile may be, in bytes.
const mostProfile = 16 << 20

func (a *app) clientCommand() *cobra.Command {
	c := &cobra.Command{Use: "client", Short: "Let people in and shut them out, and hand out their profiles"}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("vpnd client has no command %q", args[0])
		}
		return c.Help()
	}
	add(c, "People:", a.listCommand(), a.whoCommand(), a.enrollCommand(), a.expelCommand(), a.disconnectCommand())
	add(c, "Profiles:", a.exportCommand())
	return c
}

type exportFlags struct {
	server string
	out    string
	noted  bool
	all    bool
}

func (a *app) exportCommand() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write the profile of a client, and note that it was handed out",
		Long: `Writes the profile of a client, with its keys, and notes that it was handed out.
A change that voids profiles, such as of the port, the protocol or the CA, has
plans and vpnd status name everybody who still needs a new one; that ends here.
With --noted nothing is written: for profiles that were handed out otherwise.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == f.all || f.all && !f.noted {
				return errors.New("name one client, or note everybody with --all --noted")
			}
			t, err := a.host(a.dir(nil)).Begin(c.Context())
			if err != nil {
				return err
			}
			defer t.Close()
			return a.export(t.Engine, args, f)
		},
	}
	c.Flags().StringVar(&f.server, "server", "", "only of this `ADDRESS`, such as openvpn_server.office")
	c.Flags().StringVar(&f.out, "out", "", "write it to `FILE`, for root alone, instead of the standard output")
	c.Flags().BoolVar(&f.noted, "noted", false, "write nothing; only note that it was handed out")
	c.Flags().BoolVar(&f.all, "all", false, "with --noted: everybody")
	return c
}

func (a *app) export(e *engine.Engine, names []string, f exportFlags) error {
	given, err := a.given(e, names, f.server)
	if err != nil {
		return err
	}
	if !f.noted {
		if err := a.writeProfile(given, f.out); err != nil {
			return err
		}
	}
	if err := e.HandedOut(person(), given...); err != nil {
		return err
	}
	var holders []string
	for _, g := range given {
		holders = append(holders, g.Holder)
	}
	_, _ = fmt.Fprintf(a.Err, "Noted that %s was handed out to %s.\n", count(len(given)), report.Names(holders))
	return nil
}

func count(n int) string {
	if n == 1 {
		return "the profile"
	}
	return fmt.Sprintf("each of %d profiles", n)
}

// given returns what those clients are given, of everybody where none is named.
func (a *app) given(e *engine.Engine, names []string, server string) ([]engine.Gift, error) {
	var block *resource.ID
	if server != "" {
		id, err := resource.ParseID(server)
		if err != nil {
			return nil, err
		}
		block = &id
	}
	var all []engine.Gift
	var known []string
	for _, g := range e.Gifts() {
		known = append(known, g.Holder)
		if (len(names) == 0 || g.Holder == names[0]) && (block == nil || g.Of(*block)) {
			all = append(all, g)
		}
	}
	switch {
	case len(all) > 0:
		return all, nil
	case len(known) == 0:
		return nil, errors.New("no profile is on record; vpnd apply makes those of an openvpn_server and of a wireguard block")
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no profiles", server)
	}
	return nil, fmt.Errorf("no profile of %q is on record; there are those of %s", names[0], report.Names(known))
}

// writeProfile writes the one profile that was asked for.
func (a *app) writeProfile(given []engine.Gift, out string) error {
	if len(given) > 1 {
		var blocks []string
		for _, g := range given {
			blocks = append(blocks, g.Blocks()...)
		}
		return fmt.Errorf("%s has a profile of each of %s; choose one with --server", given[0].Holder, strings.Join(slices.Compact(slices.Sorted(slices.Values(blocks))), ", "))
	}
	data, err := atomic.ReadFile(filepath.Clean("/"+a.root), given[0].ID.Name, mostProfile)
	if err != nil {
		return fmt.Errorf("reading the profile: %w; vpnd apply makes it anew", err)
	}
	if out == "" {
		_, err := a.Out.Write(data)
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := atomic.Write("/", atomic.File{Path: out, Data: data, Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}); err != nil {
		return fmt.Errorf("writing the profile: %w", err)
	}
	return nil
}
