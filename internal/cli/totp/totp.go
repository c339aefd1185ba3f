// Package totp is the command vpnd client totp: somebody's app is shown the seed of its
// codes, and gets another one where the phone is lost.
package totp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/kind/pki/totp"
	"vpnd/internal/profile"
	"vpnd/internal/report"
)

// A Session is where the command writes, and what it needs of the host.
type Session struct {
	Out, Err io.Writer
	Size     func(io.Writer) (columns, lines int) // of a terminal; nothing of what is none
	Look     func() (*engine.Engine, error)
	Read     func(path string) ([]byte, error) // a file of the host
	// Anew has files made anew that paths names; yes is not asked then.
	Anew func(ctx context.Context, name, what string, yes bool, paths func(*engine.Engine) ([]string, error)) error
	// End ends the sessions of somebody with the servers of some blocks.
	End func(ctx context.Context, name string, blocks []string) error
}

// Command is vpnd client totp.
func Command(s *Session) *cobra.Command {
	var server string
	var anew, yes bool
	c := &cobra.Command{
		Use:   "totp NAME",
		Short: "Show an app the seed of somebody's codes; with --new, after the phone was lost",
		Long: `Shows the seed of the codes that an openvpn_server with auth { totp {} } asks somebody
for: as an address that apps read, and on a terminal as a QR code. It is a secret: who
has seen it has the codes.

With --new there is another seed: the codes of the app that had the old one are good no
more, nor is what they let in. The person is disconnected, and comes in again with a new
code only. Where a profile was on the phone too, vpnd client revoke shuts that out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !anew {
				return s.show(args[0], server)
			}
			var app engine.App
			paths := func(e *engine.Engine) (_ []string, err error) {
				app, err = one(e, args[0], server)
				return []string{app.Seed.Name}, err
			}
			err := s.Anew(c.Context(), args[0], "a new seed of codes, and is disconnected; the app that has the old one, and what it let in, is good no more", yes, paths)
			if err != nil {
				return err
			}
			if err = s.End(c.Context(), args[0], app.Blocks); err != nil {
				err = fmt.Errorf("there is a new seed, and %s may still be connected: %w", args[0], err)
			}
			return errors.Join(err, s.show(args[0], server))
		},
	}
	c.Flags().StringVar(&server, "server", "", "only of this `ADDRESS`, such as openvpn_server.office")
	c.Flags().BoolVar(&anew, "new", false, "make another seed first")
	c.Flags().BoolVar(&yes, "yes", false, "with --new: do not ask")
	return c
}

// one returns the app of somebody.
func one(e *engine.Engine, name, server string) (engine.App, error) {
	var own []engine.App
	var known, blocks []string
	for _, app := range e.Apps() {
		known = append(known, app.Holder)
		if app.Holder == name && (server == "" || slices.Contains(app.Blocks, server)) {
			own, blocks = append(own, app), append(blocks, app.Blocks...)
		}
	}
	switch {
	case len(own) == 1:
		return own[0], nil
	case len(own) > 1:
		return engine.App{}, fmt.Errorf("%s has an app for each of %s; choose one with --server", name, report.Names(blocks))
	case len(known) == 0:
		return engine.App{}, errors.New("no seed is on record; write auth { totp {} } into an openvpn_server block, and vpnd apply makes them")
	}
	return engine.App{}, fmt.Errorf("no seed of %q is on record; there are those of %s", name, report.Names(known))
}

// show writes the address, and the code of it where a person reads along.
func (s *Session) show(name, server string) error {
	e, err := s.Look()
	if err != nil {
		return err
	}
	app, err := one(e, name, server)
	if err != nil {
		return err
	}
	data, err := s.Read(app.Seed.Name)
	if err != nil {
		return fmt.Errorf("reading the seed: %w; vpnd apply makes it anew", err)
	}
	uri, err := totp.URI(app.App, data)
	if err != nil {
		return fmt.Errorf("reading the seed %s: %w; vpnd client totp --new %s makes another one", app.Seed.Name, err, name)
	}
	if columns, _ := s.Size(s.Out); columns > 0 {
		code, err := profile.QR([]byte(uri))
		if err == nil && code.Width <= columns {
			_, _ = io.WriteString(s.Out, code.Text)
		}
	}
	_, err = fmt.Fprintln(s.Out, uri)
	return err
}
