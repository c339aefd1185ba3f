package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/clients"
	"vpnd/internal/config"
	"vpnd/internal/config/edit"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/transaction"
)

type enrollFlags struct {
	applyFlags
	in     string
	asJSON bool
}

func (f *enrollFlags) bind(a *app, c *cobra.Command) {
	yesFlag(c, &f.yes)
	a.verboseFlag(c)
	c.Flags().StringVar(&f.in, "in", "", "the block at `ADDRESS` lets them in, such as pki.office; needed where several do")
	c.Flags().BoolVar(&f.asJSON, "json", false, "write JSON, and the plan to standard error")
}

func (a *app) enrollCommand() *cobra.Command {
	var f enrollFlags
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Let somebody in: write it into the configuration, and apply that",
		Long: `Adds a block for the person to the configuration, shows what that changes, asks,
and applies it. Every other byte of the configuration stays. Who was revoked gets
a new key and certificate; what they had before stays void.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			out, at := a.aside(f.asJSON), ""
			place, err := a.enroll(c.Context(), f, args[0], func(files []edit.File, n edit.Nested, e resource.Enrollment) (edit.Change, error) {
				in, known := e.People[n.Label]
				at = n.In.String()
				switch {
				case in:
					return edit.Change{}, fmt.Errorf("%s has %s already; vpnd client export %[2]s hands the profile out", n.In, n.Label)
				case known:
					return edit.Set(files, n, edit.Attribute{Name: e.Revoked})
				}
				if e.With != "" {
					n.With = []edit.Text{{Name: e.With, Value: e.Value}}
				}
				return edit.Add(files, n)
			})
			switch {
			case err != nil:
				return err
			case f.asJSON:
				return a.enrolled(c.Context(), out, args[0], place)
			}
			return a.welcome(args[0], at)
		},
	}
	f.bind(a, c)
	return c
}

func (a *app) expelCommand() *cobra.Command {
	var f enrollFlags
	c := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Shut somebody out: write it into the configuration, and apply that",
		Long: `Marks the person's block in the configuration as revoked, shows what that changes,
asks, and applies it: the certificate is revoked for good, and who is connected is
disconnected. Every other byte of the configuration stays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			out := a.aside(f.asJSON)
			a.expels = true
			place, err := a.enroll(c.Context(), f, args[0], func(files []edit.File, n edit.Nested, e resource.Enrollment) (edit.Change, error) {
				switch in, known := e.People[n.Label]; {
				case !known:
					return edit.Change{}, fmt.Errorf("%s has no %s %q; it has %s", n.In, n.Type, n.Label, report.Names(slices.Sorted(maps.Keys(e.People))))
				case !in:
					return edit.Change{}, fmt.Errorf("%s is revoked in %s already", n.Label, n.In)
				}
				return edit.Set(files, n, edit.Attribute{Name: e.Revoked, Value: true})
			})
			if err != nil || !f.asJSON {
				return err
			}
			return a.enrolled(c.Context(), out, args[0], place)
		},
	}
	f.bind(a, c)
	return c
}

// aside has what people read go to standard error where the answer is JSON, and returns
// where that goes.
func (a *app) aside(asJSON bool) io.Writer {
	out := a.Out
	if asJSON {
		a.Out = a.Err
	}
	return out
}

// An edited is the JSON form of what letting somebody in or shutting them out did.
type edited struct {
	clients.Single
	Edited edit.Place `json:"edited"`
}

// enrolled tells of who was let in or shut out.
func (a *app) enrolled(ctx context.Context, out io.Writer, name string, at edit.Place) error {
	one, since, err := a.known(ctx, name)
	if err != nil {
		return err
	}
	return report.WriteJSON(out, edited{clients.Single{FormatVersion: clients.FormatVersion, Remembered: since, Client: one}, at})
}

// enroll edits the configuration, applies what comes of it, and returns where that is.
// The file is written once the plan was agreed to; where nothing was done in the end,
// it is as before.
func (a *app) enroll(ctx context.Context, f enrollFlags, name string, change func([]edit.File, edit.Nested, resource.Enrollment) (edit.Change, error)) (edit.Place, error) {
	if name == "" { // in JSON, a block without a name is none at all
		return edit.Place{}, errors.New("an empty name is nobody's; say whose")
	}
	a.changes(ctx)
	before, err := a.written()
	if err != nil {
		return edit.Place{}, err
	}
	in, e, err := enrolling(before, f.in, name)
	if err != nil {
		return edit.Place{}, err
	}
	files, err := texts(before.Paths)
	if err != nil {
		return edit.Place{}, err
	}
	edited, err := change(files, edit.Nested{In: in, Type: e.Block, Label: name}, e)
	if err != nil {
		return edit.Place{}, err
	}
	return a.applyEdit(ctx, f.applyFlags, files, edited)
}

// applyEdit applies what comes of an edit. The file is written once the plan was agreed
// to; where nothing was done in the end, it is as before.
func (a *app) applyEdit(ctx context.Context, f applyFlags, files []edit.File, edited edit.Change) (edit.Place, error) {
	a.instead = map[string][]byte{edited.File: edited.Data}
	after, err := a.load()
	if err != nil {
		return edit.Place{}, err
	}
	defer undisturbed()()
	host := a.host(a.dir(after))
	if err := host.Mend(ctx); err != nil {
		return edit.Place{}, err
	}
	a.printf("Edits %s:%d\n\n", edited.File, edited.Line)
	t, p, err := host.Agree(ctx, f.yes, func(t *transaction.Transaction) (*engine.Plan, error) {
		return a.planApply(ctx, t, after, f, nil)
	})
	if err != nil {
		return edit.Place{}, err
	}
	defer func() {
		t.Close()
		a.left(t.Engine.Store)
	}()
	was := files[slices.IndexFunc(files, func(f edit.File) bool { return f.Name == edited.File })]
	if err := exchange(was, edited.Data); err != nil {
		return edit.Place{}, err
	}
	phase, err := t.Apply(ctx, p, f.terms(after))
	if phase == transaction.Undone || phase == "" && err != nil { // nothing was done
		_ = exchange(edit.File{Name: was.Name, Data: edited.Data}, was.Data)
	}
	return edited.Place, ended(phase, err)
}

// enrolling finds the block that lets a person in, or shall.
func enrolling(cfg *config.Config, address, name string) (resource.ID, resource.Enrollment, error) {
	type place struct {
		id resource.ID
		e  resource.Enrollment
	}
	var all, has []place
	var names []string
	for _, b := range cfg.Blocks {
		if e, ok := b.Shape.(resource.Enroller); ok {
			p := place{b.ID, e.Enrolled()}
			if p.e.Block == "" || address != "" && b.ID.String() != address {
				continue
			}
			all, names = append(all, p), append(names, b.ID.String())
			if _, known := p.e.People[name]; known {
				has = append(has, p)
			}
		}
	}
	if len(all) > 1 { // one that only vouches, as for tunnels between sites, has nothing to hand out
		lead := slices.DeleteFunc(slices.Clone(all), func(p place) bool { return p.e.Apart && !admitted(cfg, p.id) })
		if len(lead) == 1 {
			all = lead
		}
	}
	switch {
	case len(has) == 1:
		return has[0].id, has[0].e, nil
	case len(all) == 1:
		return all[0].id, all[0].e, nil
	case len(all) > 1:
		return resource.ID{}, resource.Enrollment{}, fmt.Errorf("%s let people in; choose one with --in", strings.Join(names, " and "))
	case address != "":
		return resource.ID{}, resource.Enrollment{}, fmt.Errorf("the configuration has no block %s that lets people in", address)
	}
	return resource.ID{}, resource.Enrollment{}, errors.New("no block of the configuration lets people in; vpnd init writes one to start from")
}

// admitted says whether any block lets those in for whom this one vouches.
func admitted(cfg *config.Config, by resource.ID) bool {
	return slices.ContainsFunc(cfg.Blocks, func(b config.Block) bool {
		a, ok := b.Shape.(resource.Admitter)
		return ok && a.Admits() == by
	})
}

// texts reads files as they are.
func texts(paths []string) ([]edit.File, error) {
	var files []edit.File
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, edit.File{Name: path, Data: data})
	}
	return files, nil
}

// exchange replaces the text of a file, unless somebody else did meanwhile.
func exchange(was edit.File, data []byte) error {
	info, err := os.Stat(was.Name)
	if err != nil {
		return err
	}
	if now, err := os.ReadFile(was.Name); err != nil || !bytes.Equal(now, was.Data) {
		return fmt.Errorf("%s was changed by somebody else meanwhile, and stays as it is; try again", was.Name)
	}
	return rewrite(was.Name, data, info)
}

// welcome tells where the profiles of somebody are who was let in, and of whom nothing
// but a certificate was made, where that is.
func (a *app) welcome(name, in string) error {
	e, err := a.look(a.dirOfPeople())
	if err != nil {
		return err
	}
	given := false
	for _, g := range e.Gifts() {
		if g.Holder == name {
			given = true
			a.printf("%s's profile, with a key in it: %s\n", name, g.ID.Name)
		}
	}
	if !given {
		signed := false
		for _, c := range e.Certificates() {
			if c.Name == name && c.Person {
				signed = true
				a.printf("%s's certificate: %s\n", name, c.ID.Name)
			}
		}
		if !signed {
			a.printf("%s has no certificate yet; vpnd plan tells what it waits for.\n", name)
			return nil
		}
		a.printf("There is no profile of %s: no openvpn_server with profiles uses %s. vpnd pki export %[1]s hands the certificate out.\n", name, in)
		return nil
	}
	a.printf("To hand it out: vpnd client export %s\n", name)
	return nil
}
