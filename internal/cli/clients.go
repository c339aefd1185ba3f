package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/cli/view"
	"vpnd/internal/clients"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List people: who is connected, until when they may be, and what they dial with",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.people(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, all)
			}
			return view.Clients(a.Out, all)
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
			one, err := a.known(c.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return report.WriteJSON(a.Out, one)
			}
			view.Client(a.Out, one)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) disconnectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "disconnect NAME",
		Short: "End the sessions of somebody, who may dial again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			one, err := a.known(c.Context(), args[0])
			if err != nil {
				return err
			}
			if len(one.Sessions) == 0 {
				return fmt.Errorf("%s is not connected", one.Name)
			}
			return a.disconnect(c.Context(), one)
		},
	}
}

// disconnect ends every session of a person.
func (a *app) disconnect(ctx context.Context, one clients.Client) error {
	var errs []error
	for _, socket := range slices.Compact(slices.Sorted(slices.Values(sockets(one)))) {
		errs = append(errs, openvpn.Disconnect(ctx, socket, one.Name))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.printf("%s was disconnected, and may dial again; vpnd client revoke %[1]s shuts them out.\n", one.Name)
	return nil
}

func sockets(one clients.Client) []string {
	var all []string
	for _, s := range one.Sessions {
		all = append(all, s.Socket)
	}
	return all
}

// people returns those of the host, and asks its servers who is connected.
func (a *app) people(ctx context.Context) ([]clients.Client, error) {
	e, err := a.look(a.dir(nil))
	if err != nil {
		return nil, err
	}
	var servers []status.Server
	serving := e.Serving(resource.Servers)
	for _, socket := range slices.Sorted(maps.Keys(serving)) {
		s := status.Server{Block: serving[socket], Socket: socket}
		if a.root == "/" {
			s.Ask(ctx)
		}
		if s.Error != "" {
			a.say("%s does not say who is connected: %s", s.Block, s.Error)
		}
		servers = append(servers, s)
	}
	return clients.Of(e, servers, func(path string) ([]byte, error) {
		return atomic.ReadFile(filepath.Clean("/"+a.root), path, mostProfile)
	}), nil
}

// known returns the person of that name.
func (a *app) known(ctx context.Context, name string) (clients.Client, error) {
	all, err := a.people(ctx)
	if err != nil {
		return clients.Client{}, err
	}
	return named(all, name)
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
