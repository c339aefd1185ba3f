package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/cli/exporting"
	"vpnd/internal/cli/totp"
	"vpnd/internal/cli/view"
	"vpnd/internal/clients"
	"vpnd/internal/engine"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pki/likeness"
	seeds "vpnd/internal/kind/pki/totp"
	"vpnd/internal/lock"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/seen"
)

func (a *app) clientCommand() *cobra.Command {
	c := &cobra.Command{Use: "client", Short: "Let people in and shut them out, and hand out their profiles"}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("vpnd client has no command %q", args[0])
		}
		return c.Help()
	}
	add(c, "People:", a.listCommand(), a.whoCommand(), a.enrollCommand(), a.expelCommand(), a.disconnectCommand())
	add(c, "Profiles:", exporting.Command(a.exportSession()), totp.Command(a.totpSession()))
	return c
}

// mostProfile is how large a profile may be, in bytes.
const mostProfile = 16 << 20

// exportSession is what vpnd client export reads, writes and needs.
func (a *app) exportSession() *exporting.Session {
	return &exporting.Session{
		In: a.In, Out: a.Out, Err: a.Err, Size: size, Person: person,
		Begin: func(ctx context.Context) (*engine.Engine, func(), error) {
			t, err := a.host(a.dir(nil)).Begin(ctx)
			if err != nil {
				return nil, nil, err
			}
			return t.Engine, t.Close, nil
		},
		Read: a.ofHost,
		Write: func(path string, data []byte) error {
			path, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			return atomic.Write("/", atomic.File{Path: path, Data: data, Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
		},
	}
}

// totpSession is what vpnd client totp writes and needs.
func (a *app) totpSession() *totp.Session {
	return &totp.Session{
		Out: a.Out, Err: a.Err, Size: size, Read: a.ofHost,
		Look: func() (*engine.Engine, error) { return a.look(a.dir(nil)) },
		Anew: func(ctx context.Context, name, what string, yes bool, files func(*engine.Engine) ([]string, error)) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			defer undisturbed()()
			a.aside(true)
			return a.anew(ctx, cfg, name, what, files, forgetSeed, applyFlags{yes: yes})
		},
		End: func(ctx context.Context, name string, blocks []string) error {
			e, err := a.look(a.dir(nil))
			if err != nil {
				return err
			}
			return a.end(ctx, e, name, blocks)
		},
	}
}

// forgetSeed leaves a file in which no seed is, so that the next one is known to take the place
// of another.
func forgetSeed(root, path string) error {
	return atomic.Write(root, atomic.File{Path: path, Data: []byte(seeds.Lost), Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
}

// end ends the sessions of somebody with the servers of some blocks.
func (a *app) end(ctx context.Context, e *engine.Engine, name string, blocks []string) error {
	if a.root != "/" {
		return nil
	}
	var errs []error
	asked := make(map[string]bool)
	for id, block := range e.Serving(resource.Servers) {
		if slices.Contains(blocks, block) {
			asked[block] = true
			errs = append(errs, openvpn.Disconnect(ctx, id.Name, name))
		}
	}
	for _, block := range blocks {
		if !asked[block] {
			errs = append(errs, fmt.Errorf("%s has no management socket; systemctl restart ends what is connected to it, or its token does when it runs out", block))
		}
	}
	return errors.Join(errs...)
}

// ofHost reads a file of the host, below its root.
func (a *app) ofHost(path string) ([]byte, error) {
	return atomic.ReadFile(filepath.Clean("/"+a.root), path, mostProfile)
}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List people: who is connected, until when they may be, and what they dial with",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, since, err := a.people(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, clients.List{FormatVersion: clients.FormatVersion, Remembered: since, Clients: all})
			}
			return view.Clients(a.Out, all, time.Now(), columns(a.Out))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) whoCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show all of one person",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one, since, err := a.known(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, clients.Single{FormatVersion: clients.FormatVersion, Remembered: since, Client: one})
			}
			view.Client(a.Out, one, since)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) disconnectCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "disconnect NAME",
		Short: "End the sessions of somebody, who may dial again",
		Long: `Ends the sessions of a person. Where the server gives out tokens (auth { token {} }) they
come in again by theirs until it runs out, also where their password has changed or their
account was locked since: nobody tells vpnd of that. vpnd client totp NAME --new ends
sessions and tokens where codes are asked for, and vpnd client revoke NAME does in any
case; vpnd client add NAME lets them in again then, with a new profile.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one, since, err := a.known(c.Context(), args[0])
			if err != nil {
				return err
			}
			if len(one.Sessions) == 0 {
				return fmt.Errorf("%s is not connected", one.Name)
			}
			if err := a.disconnect(c.Context(), one); err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, clients.Single{FormatVersion: clients.FormatVersion, Remembered: since, Client: one})
			}
			a.printf("%s was disconnected, and may dial again; vpnd client revoke %[1]s shuts them out.\n", one.Name)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON: the person, with the sessions that were ended")
	return c
}

// disconnect ends every session of a person.
func (a *app) disconnect(ctx context.Context, one clients.Client) error {
	var sockets []string
	for _, s := range one.Sessions {
		if s.Socket == "" {
			return fmt.Errorf("%s is connected to %s, which knows no disconnecting: who has the key may send; vpnd client revoke %[1]s shuts them out", one.Name, s.Server)
		}
		sockets = append(sockets, s.Socket)
	}
	var errs []error
	for _, socket := range slices.Compact(slices.Sorted(slices.Values(sockets))) {
		errs = append(errs, openvpn.Disconnect(ctx, socket, one.Name))
	}
	return errors.Join(errs...)
}

// people returns those of the host, and asks its servers who is connected; and since
// when somebody remembers that.
func (a *app) people(ctx context.Context) ([]clients.Client, time.Time, error) {
	dir := a.dirOfPeople()
	e, err := a.look(dir)
	if err != nil {
		return nil, time.Time{}, err
	}
	now := clients.Serving(e)
	if a.root == "/" {
		now.Ask(ctx, e.Catalog)
	}
	for _, s := range now.Servers {
		if s.Error != "" {
			a.say("%s does not say who is connected: %s", s.Name(), s.Error)
		}
	}
	for _, t := range now.Tunnels {
		if t.Error != "" {
			a.say("%s does not say who is connected: %s", t.Block, t.Error)
		}
	}
	memory := a.remembered(dir, len(now.Servers)+len(now.Tunnels) > 0)
	return clients.Of(e, now, memory, a.terms), memory.Since, nil
}

// terms tells of the certificates at these paths of the host.
func (a *app) terms(paths []string) []clients.Term {
	all := make([]clients.Term, len(paths))
	found, err := likeness.At(filepath.Clean("/"+a.root), a.cache(), paths)
	if err != nil {
		a.say("until when certificates are good is not known: %v", err)
	}
	for i, l := range found {
		if l != nil {
			all[i] = clients.Term{NotAfter: l.NotAfter, Serial: l.Serial, Issuer: l.Issuer}
		}
	}
	return all
}

// remembered is what the agent remembers of who was connected; what it does not is said.
func (a *app) remembered(dir string, serves bool) seen.Memory {
	m, err := seen.Read(dir)
	switch {
	case err != nil:
		a.say("%v; when people were connected last is not known", err)
	case a.root != "/" || !serves:
	case m.Since.IsZero():
		a.say("nobody has noted when people were connected last: the agent does that (systemctl enable --now vpnd)")
	case !lock.AgentRuns(a.runDir):
		a.say("no agent runs, so nobody notes now who is connected (systemctl enable --now vpnd)")
	}
	return m
}

// known returns the person of that name.
func (a *app) known(ctx context.Context, name string) (clients.Client, time.Time, error) {
	all, since, err := a.people(ctx)
	if err != nil {
		return clients.Client{}, since, err
	}
	one, err := named(all, name)
	return one, since, err
}

func named(all []clients.Client, name string) (clients.Client, error) {
	i := slices.IndexFunc(all, func(c clients.Client) bool { return c.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	var near []string
	for _, c := range all {
		if strings.Contains(strings.ToLower(c.Name), strings.ToLower(name)) {
			near = append(near, c.Name)
		}
	}
	if len(near) > 0 {
		return clients.Client{}, fmt.Errorf("nobody is named %q; there are %s", name, report.Names(near))
	}
	return clients.Client{}, fmt.Errorf("nobody is named %q; vpnd client list tells who is there", name)
}
