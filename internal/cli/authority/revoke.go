package authority

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/config/edit"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/report"
	"vpnd/internal/resource"
)

type revokeFlags struct {
	in  string
	yes bool
}

// Revoke is vpnd pki revoke.
func Revoke(s *Session) *cobra.Command {
	var f revokeFlags
	c := &cobra.Command{
		Use:   "revoke SERIAL | NAME",
		Short: "Void a certificate: write it into the configuration, and apply that",
		Long: `Voids the one certificate with that serial number, as the one of a laptop that was
lost: a revoke block is added to the configuration. Who holds it and is a client gets
another one, and that of a server is replaced. Of a CA that existed before, the number
may also be of a certificate that vpnd has never seen.

With the NAME of a client, every certificate that it ever had is void for good, as with
vpnd client revoke.

Shows what changes, asks, and applies it. Every other byte of the configuration stays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.revoke(c.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.in, "in", "", "of the block at `ADDRESS`, such as pki.office; needed where several may be meant")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return c
}

func (s *Session) revoke(ctx context.Context, what string, f revokeFlags) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	if place, e, known := enrolled(cfg, what, f.in); known {
		if !e.People[what] {
			return fmt.Errorf("%s is revoked in %s already", what, place)
		}
		return s.Edit(ctx, func(files []edit.File) (edit.Change, error) {
			return edit.Set(files, edit.Nested{In: place, Type: e.Block, Label: what}, edit.Attribute{Name: e.Revoked, Value: true})
		}, f.yes)
	}
	serial, ok := policy.ParseSerial(what)
	if !ok {
		return unknown(cfg, what, f)
	}
	return s.void(ctx, cfg, serial, f)
}

// enrolled finds the block that has somebody as a client.
func enrolled(cfg *config.Config, name, in string) (resource.ID, resource.Enrollment, bool) {
	for _, o := range offices(cfg, in) {
		i := slices.IndexFunc(cfg.Blocks, func(b config.Block) bool { return b.ID == o.id })
		e, ok := cfg.Blocks[i].Shape.(resource.Enroller)
		if !ok {
			continue
		}
		who := e.Enrolled()
		if _, known := who.People[name]; known {
			return o.id, who, true
		}
	}
	return resource.ID{}, resource.Enrollment{}, false
}

// unknown says that nobody is called so.
func unknown(cfg *config.Config, what string, f revokeFlags) error {
	var names []string
	for _, o := range offices(cfg, f.in) {
		if _, server := o.Servers[what]; server {
			return fmt.Errorf("%s is a server; vpnd pki revoke SERIAL voids its certificate and has another one made, and vpnd pki list tells the number", what)
		}
		names = append(names, slices.Sorted(maps.Keys(o.Clients))...)
	}
	return fmt.Errorf("%q is neither a client nor a serial number in hexadecimal; there are the clients %s", what, report.Names(names))
}

// void adds the block that voids a serial number, and disconnects who comes in by it.
func (s *Session) void(ctx context.Context, cfg *config.Config, serial string, f revokeFlags) error {
	all := offices(cfg, f.in)
	found, name, err := s.holder(all, serial)
	if err != nil {
		return err
	}
	switch {
	case len(found) == 0 && len(all) == 1 && all[0].Imported:
		found = all
	case len(found) == 0 && len(all) == 1:
		return fmt.Errorf("the CA of %s signed no certificate %s; vpnd pki list tells the numbers", all[0].id, serial)
	}
	if len(found) != 1 {
		return fmt.Errorf("no CA, or more than one, may have signed a certificate %s; choose one with --in", serial)
	}
	with := []edit.Text{{Name: "serial", Value: serial}}
	if name != "" {
		with = append(with, edit.Text{Name: "common_name", Value: name})
	}
	err = s.Edit(ctx, func(files []edit.File) (edit.Change, error) {
		return edit.Add(files, edit.Nested{In: found[0].id, Type: "revoke", With: with})
	}, f.yes)
	if err != nil || name == "" {
		return err
	}
	return s.Disconnect(ctx, name)
}
