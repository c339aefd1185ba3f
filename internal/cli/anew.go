package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/cli/authority"
	"vpnd/internal/clients"
	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/transaction"
)

// renewal is how certificates are made anew: with their keys or without.
type renewal struct {
	applyFlags
	what string
	key  bool // a new one too
	all  bool
	ca   bool
	in   string
	json bool
}

func (a *app) renewCommand() *cobra.Command {
	f := renewal{what: "a new certificate for the same key"}
	c := a.anewCommand("renew NAME...", &f)
	c.Short = "A new certificate for the same key"
	c.Long = `Makes a new certificate for the key that is there. vpnd does that by itself before
one runs out; this is for sooner.

The host must be as the configuration says otherwise.`
	return c
}

func (a *app) rekeyCommand() *cobra.Command {
	f := renewal{what: "a new key, with a new certificate", key: true}
	c := a.anewCommand("rekey NAME... | --all | --ca", &f)
	c.Short = "A new key, with a new certificate"
	c.Long = `Makes a new key and a certificate for it. What was made with the old key is void:
a person needs a new profile, and the certificate they had stays good until it runs
out, unless they are revoked and let in again. So keys take on another algorithm, one
person at a time, or all with --all.

With --ca, a new CA takes the place of the one that signs now: the configuration gets
ca_generation, one more than before, and that is applied. Every certificate that the
old one signed stays good until it runs out, each new one is of the new CA, and the old
one ends by itself when nothing that it signed is good. Nobody needs a new profile for
that: the profiles that people hold lead to the new CA by a certificate that the old one
signs for it. An openvpn_server has to start again once, to know of both.

Where a CA above it has to sign first, elsewhere or with a key that is away, the one
before goes on signing until the new one has its certificate: vpnd pki export --csr
writes the request, vpnd pki sign --import takes what comes back, and the plan says what
is waited for.

The host must be as the configuration says otherwise.`
	c.Flags().BoolVar(&f.all, "all", false, "everybody, and every server")
	c.Flags().BoolVar(&f.ca, "ca", false, "the CA")
	c.Flags().StringVar(&f.in, "in", "", "with --ca: of the block at `ADDRESS`, such as pki.office")
	return c
}

// anewCommand makes a command that has certificates made anew.
func (a *app) anewCommand(use string, f *renewal) *cobra.Command {
	c := &cobra.Command{
		Use: use,
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) > 0) == (f.all || f.ca) || f.all && f.ca || f.in != "" && !f.ca {
				return errors.New("say whose")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.ca {
				out := a.aside(f.json)
				if err := authority.Succeed(c.Context(), a.authority(), f.in, f.yes); err != nil || !f.json {
					return err
				}
				return a.listCertificates(out)
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			defer undisturbed()()
			out, names := a.aside(f.json), args
			whose := strings.Join(names, ", ")
			if f.all {
				whose = "Everybody, and every server,"
			}
			err = a.anew(c.Context(), cfg, whose, f.what, func(e *engine.Engine) (paths []string, err error) {
				if names, paths, err = anewPaths(e, args, *f); err == nil {
					err = authority.Signable(a.authority(), cfg, names, f.key)
				}
				return paths, err
			}, atomic.Remove, f.applyFlags)
			if err != nil || !f.json {
				return err
			}
			return a.madeAnew(out, a.dir(cfg), names)
		},
	}
	c.Flags().BoolVar(&f.json, "json", false, "write JSON, and the plan to standard error")
	yesFlag(c, &f.yes)
	a.verboseFlag(c)
	return c
}

// madeAnew tells of the certificates of these.
func (a *app) madeAnew(out io.Writer, dir string, names []string) error {
	e, err := a.look(dir)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(a.certificates(e), func(l listed) bool { return !slices.Contains(names, l.Name) || l.Use == "ca" })
	return report.WriteJSON(out, certificates{clients.FormatVersion, own})
}

// anew takes what files hold away and has them made again, all under one lock: an agent
// would make them as soon as they are gone. There is no way back from it: what was there
// before is gone, and an undo would only take what is new away from those who need it.
func (a *app) anew(ctx context.Context, cfg *config.Config, name, what string, files func(*engine.Engine) ([]string, error), take func(root, path string) error, f applyFlags) error {
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
			if err := take(filepath.Clean("/"+a.root), path); err != nil {
				return nil, err
			}
		}
		return a.planApply(ctx, t, cfg, f, nil)
	})
	if err != nil {
		return err
	}
	defer t.Close()
	earlier, err := t.Engine.Store.Snapshots()
	if err != nil {
		return err
	}
	a.lasting = "What was there before is gone for good, and no undo brings it back."
	phase, err := t.Apply(ctx, p, f.terms(cfg))
	if unkept := t.Engine.Store.Empty(earlier); err == nil {
		err = unkept
	}
	return ended(phase, err)
}

// anewPaths returns the files of certificates, and whose they are: of everybody, or of
// those who are named.
func anewPaths(e *engine.Engine, names []string, f renewal) (whose, paths []string, err error) {
	var known []string
	for _, c := range e.Certificates() {
		switch {
		case c.Authority && slices.Contains(names, c.Name):
			return nil, nil, errors.New("a CA is not made anew like that: everybody's certificate would be void. It is renewed with its key before it runs out; vpnd pki rekey --ca has a new one take its place, step by step")
		case c.Authority:
		case f.all || slices.Contains(names, c.Name):
			whose = append(whose, c.Name)
			if paths = append(paths, c.ID.Name); f.key && c.Key != "" {
				paths = append(paths, c.Key)
			}
		default:
			known = append(known, c.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(whose, name) {
			return nil, nil, fmt.Errorf("no certificate of %q is on record; there are those of %s", name, report.Names(known))
		}
	}
	if len(whose) == 0 {
		err = errors.New("no certificate is on record")
	}
	return whose, paths, err
}
