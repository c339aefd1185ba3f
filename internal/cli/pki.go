package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/cli/authority"
	"vpnd/internal/cli/view"
	"vpnd/internal/clients"
	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/transaction"
)

func (a *app) pkiCommand() *cobra.Command {
	c := &cobra.Command{Use: "pki", Short: "List certificates, and make new ones before their time"}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("vpnd pki has no command %q", args[0])
		}
		return c.Help()
	}
	add(c, "Certificates:", a.certificatesCommand(), a.anewCommand("renew", "a new certificate for the same key",
		`Makes a new certificate for the key that is there. vpnd does that by itself before
one runs out; this is for sooner.`, false),
		a.anewCommand("rekey", "a new key, with a new certificate",
			`Makes a new key and a certificate for it. What was made with the old key is void:
a person needs a new profile, and the certificate they had stays good until it runs
out, unless they are revoked and let in again.`, true),
		authority.Sign(a.authority()), authority.Export(a.authority()))
	return c
}

// authority is what the commands about a CA need of the others.
func (a *app) authority() *authority.Session {
	return &authority.Session{
		Out: a.Out, Err: a.Err, Terminal: func() bool { return isTerminal(a.Out) },
		Root: func() string { return a.root }, Read: a.document, Load: a.load, Apply: a.bring,
	}
}

// bring applies a configuration after a person has brought what it waited for.
func (a *app) bring(ctx context.Context, cfg *config.Config, unasked bool) error {
	defer undisturbed()()
	f := applyFlags{yes: unasked}
	host := a.host(a.dir(cfg))
	if err := host.Mend(ctx); err != nil {
		return err
	}
	t, p, err := host.Agree(ctx, f.yes, func(t *transaction.Transaction) (*engine.Plan, error) {
		return a.planApply(ctx, t, cfg, f, nil)
	})
	if err != nil {
		return err
	}
	defer t.Close()
	phase, err := t.Apply(ctx, p, f.terms(cfg))
	return ended(phase, err)
}

// listed is a certificate as it stands.
type listed struct {
	Address  string    `json:"address"`
	Name     string    `json:"name"`
	Use      string    `json:"use"` // ca, server or client
	Blocks   []string  `json:"blocks"`
	NotAfter time.Time `json:"not_after,omitzero"` // none of what could not be read
	Serial   string    `json:"serial,omitempty"`
}

// certificates are the JSON form of several.
type certificates struct {
	FormatVersion string   `json:"format_version"`
	Certificates  []listed `json:"certificates"`
}

func (a *app) certificatesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List certificates, those that run out first in front",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			e, err := a.look(a.dir(nil))
			if err != nil {
				return err
			}
			all := a.certificates(e)
			if asJSON {
				return report.WriteJSON(a.Out, certificates{clients.FormatVersion, all})
			}
			t := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(t, "NAME\tUSE\tGOOD UNTIL\tSERIAL\tBLOCK")
			for _, c := range all {
				until := "unreadable"
				if !c.NotAfter.IsZero() {
					until = c.NotAfter.Local().Format(time.DateOnly)
				}
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", view.Printable(c.Name), c.Use, until, c.Serial, strings.Join(c.Blocks, ", "))
			}
			return t.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// certificates reads those on record.
func (a *app) certificates(e *engine.Engine) []listed {
	all := []listed{}
	for _, c := range e.Certificates() {
		l := listed{Address: c.ID.String(), Name: c.Name, Use: "server", Blocks: c.Blocks}
		switch {
		case c.Authority:
			l.Use = "ca"
		case c.Person:
			l.Use = "client"
		}
		l.NotAfter, l.Serial = clients.Ends(a.ofHost(c.ID.Name))
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b listed) int {
		if c := a.NotAfter.Compare(b.NotAfter); c != 0 {
			return c
		}
		return strings.Compare(a.Address, b.Address)
	})
	return all
}

// anewCommand makes a command that has a certificate made anew, with its key or
// without.
func (a *app) anewCommand(name, what, long string, key bool) *cobra.Command {
	var f applyFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   name + " NAME",
		Short: strings.ToUpper(what[:1]) + what[1:],
		Long:  long + "\n\nThe host must be as the configuration says otherwise.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			defer undisturbed()()
			out := a.aside(asJSON)
			if err := a.anew(c.Context(), cfg, args[0], what, certificate(args[0], key), f); err != nil || !asJSON {
				return err
			}
			return a.madeAnew(out, a.dir(cfg), args[0])
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON, and the plan to standard error")
	yesFlag(c, &f.yes)
	a.verboseFlag(c)
	return c
}

// madeAnew tells of the certificates of somebody.
func (a *app) madeAnew(out io.Writer, dir, name string) error {
	e, err := a.look(dir)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(a.certificates(e), func(l listed) bool { return l.Name != name || l.Use == "ca" })
	return report.WriteJSON(out, certificates{clients.FormatVersion, own})
}

// anew takes files away and has them made again, all under one lock: an agent would
// make them as soon as they are gone.
func (a *app) anew(ctx context.Context, cfg *config.Config, name, what string, files func(*engine.Engine) ([]string, error), f applyFlags) error {
	host := a.host(a.dir(cfg))
	if err := host.Mend(ctx); err != nil {
		return err
	}
	if !f.yes {
		_, _ = fmt.Fprintf(a.Err, "%s gets %s.\n", name, what)
		if err := host.Agreed(ctx); err != nil {
			return err
		}
	}
	t, p, err := host.Agree(ctx, true, func(t *transaction.Transaction) (*engine.Plan, error) {
		paths, err := files(t.Engine)
		if err != nil {
			return nil, err
		}
		before, err := a.planApply(ctx, t, cfg, f, nil)
		if err != nil {
			return nil, err
		}
		if n := len(before.Changes); n > 0 {
			return nil, fmt.Errorf("%s not as the configuration says; vpnd apply comes first", report.Count(n, "thing")+map[bool]string{true: " is", false: " are"}[n == 1])
		}
		for _, path := range paths {
			if err := atomic.Remove(filepath.Clean("/"+a.root), path); err != nil {
				return nil, err
			}
		}
		return a.planApply(ctx, t, cfg, f, nil)
	})
	if err != nil {
		return err
	}
	defer t.Close()
	phase, err := t.Apply(ctx, p, f.terms(cfg))
	return ended(phase, err)
}

// certificate finds the files of somebody's certificate.
func certificate(name string, key bool) func(*engine.Engine) ([]string, error) {
	return func(e *engine.Engine) ([]string, error) { return anewPaths(e, name, key) }
}

// anewPaths returns the files of somebody's certificate.
func anewPaths(e *engine.Engine, name string, key bool) ([]string, error) {
	var paths, names []string
	for _, c := range e.Certificates() {
		switch {
		case c.Authority:
			if c.Name == name {
				return nil, errors.New("a CA is not made anew like that: everybody's certificate would be void; it is renewed with its key before it runs out")
			}
		case c.Name == name && key:
			paths = append(paths, c.Key, c.ID.Name)
		case c.Name == name:
			paths = append(paths, c.ID.Name)
		default:
			names = append(names, c.Name)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no certificate of %q is on record; there are those of %s", name, report.Names(names))
	}
	return paths, nil
}
