package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/authority"
	"vpnd/internal/cli/view"
	"vpnd/internal/clients"
	"vpnd/internal/config"
	"vpnd/internal/config/edit"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
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
	add(c, "Certificates:", a.certificatesCommand(), a.renewCommand(), a.rekeyCommand(),
		a.certified(authority.Revoke), a.certified(authority.Sign), a.exported())
	return c
}

// certified has a command about a CA tell in JSON how the certificates stand after it.
func (a *app) certified(command func(*authority.Session) *cobra.Command) *cobra.Command {
	s := a.authority()
	c := command(s)
	run := c.RunE
	var asJSON bool
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON, and the plan to standard error: all certificates as they stand then")
	c.RunE = func(c *cobra.Command, args []string) error {
		out := a.aside(asJSON)
		s.Out = a.Out
		if err := run(c, args); err != nil || !asJSON {
			return err
		}
		return a.listCertificates(out)
	}
	return c
}

// An inPEM is the JSON form of what is exported, in PEM.
type inPEM struct {
	FormatVersion string `json:"format_version"`
	Content       string `json:"content"`
}

// exported is vpnd pki export, which tells in JSON what it would write.
func (a *app) exported() *cobra.Command {
	s := a.authority()
	c := authority.Export(s)
	run := c.RunE
	var asJSON bool
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON, with what is exported in it, in PEM")
	for _, other := range []string{"der", "out"} {
		c.MarkFlagsMutuallyExclusive("json", other)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var content strings.Builder
		if asJSON {
			s.Out = &content
		}
		if err := run(c, args); err != nil || !asJSON {
			return err
		}
		return report.WriteJSON(a.Out, inPEM{clients.FormatVersion, content.String()})
	}
	return c
}

// listCertificates writes all in JSON.
func (a *app) listCertificates(out io.Writer) error {
	e, err := a.look(a.dir(nil))
	if err != nil {
		return err
	}
	return report.WriteJSON(out, certificates{clients.FormatVersion, a.certificates(e)})
}

// authority is what the commands about a CA need of the others.
func (a *app) authority() *authority.Session {
	return &authority.Session{
		In: a.In, Out: a.Out, Err: a.Err, Terminal: func() bool { return isTerminal(a.Out) },
		Root: func() string { return a.root }, Read: a.document, Load: a.load, Apply: a.bring,
		Edit: a.edit, Disconnect: a.sendAway,
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

// edit changes the configuration and applies what comes of it.
func (a *app) edit(ctx context.Context, change func([]edit.File) (edit.Change, error), unasked bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	files, err := texts(cfg.Paths)
	if err != nil {
		return err
	}
	edited, err := change(files)
	if err != nil {
		return err
	}
	_, err = a.applyEdit(ctx, applyFlags{yes: unasked}, files, edited)
	return err
}

// sendAway disconnects somebody who is connected.
func (a *app) sendAway(ctx context.Context, name string) error {
	if a.root != "/" {
		return nil
	}
	one, _, err := a.known(ctx, name)
	if err != nil || len(one.Sessions) == 0 {
		return nil // nobody of that name dials in
	}
	return a.disconnect(ctx, one)
}

// listed is a certificate as it stands.
type listed struct {
	Address  string    `json:"address"`
	Name     string    `json:"name"`
	Use      string    `json:"use"` // ca, server or client
	Blocks   []string  `json:"blocks"`
	NotAfter time.Time `json:"not_after,omitzero"` // none of what could not be read
	Serial   string    `json:"serial,omitempty"`
	Issuer   string    `json:"issuer,omitempty"` // common name of the CA that signed it, unless it did itself

	Generation int  `json:"generation,omitempty"` // of a CA: which of its PKI
	Former     bool `json:"former,omitempty"`     // another one took its place
	Link       bool `json:"link,omitempty"`       // the CA before signed it, for those who know only that one
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
			return printCertificates(a.Out, all)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// printCertificates writes a line for each. Where CAs stand one below the other, it says
// who signed what, and where one took the place of another, which is which.
func printCertificates(w io.Writer, all []listed) error {
	levels := slices.ContainsFunc(all, func(c listed) bool { return c.Use == "ca" && c.Issuer != "" })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	several := slices.ContainsFunc(all, func(c listed) bool { return c.Generation > 1 })
	line := func(by, generation string, columns ...string) {
		if several {
			columns = slices.Insert(columns, 2, generation)
		}
		if levels {
			columns = append(columns, by)
		}
		_, _ = fmt.Fprintln(t, strings.Join(columns, "\t"))
	}
	line("SIGNED BY", "GENERATION", "NAME", "USE", "GOOD UNTIL", "SERIAL", "BLOCK")
	for _, c := range all {
		until := "unreadable"
		if !c.NotAfter.IsZero() {
			until = c.NotAfter.Local().Format(time.DateOnly)
		}
		generation := ""
		if c.Generation > 0 {
			generation = strconv.Itoa(c.Generation)
		}
		line(view.Printable(cmp.Or(c.Issuer, "itself")), generation, view.Printable(c.Name), c.role(), until, c.Serial, strings.Join(c.Blocks, ", "))
	}
	return t.Flush()
}

// role is what a certificate is for, in words.
func (l listed) role() string {
	switch {
	case l.Link:
		return "link"
	case l.Former:
		return "former ca"
	}
	return l.Use
}

// certificates reads those on record.
func (a *app) certificates(e *engine.Engine) []listed {
	certificates := e.Certificates()
	paths := make([]string, len(certificates))
	for i, c := range certificates {
		paths[i] = c.ID.Name
	}
	terms := a.terms(paths)
	all := make([]listed, 0, len(certificates))
	for i, c := range certificates {
		l := listed{Address: c.ID.String(), Name: c.Name, Use: "server", Blocks: c.Blocks, Generation: c.Generation, Former: c.Former, Link: c.Link}
		switch {
		case c.Authority:
			l.Use = "ca"
		case c.Person:
			l.Use = "client"
		}
		l.NotAfter, l.Serial, l.Issuer = terms[i].NotAfter, terms[i].Serial, terms[i].Issuer
		all = append(all, l)
	}
	resource.Sort(all, func(a, b listed) int {
		if c := a.NotAfter.Compare(b.NotAfter); c != 0 {
			return c
		}
		return strings.Compare(a.Address, b.Address)
	})
	return all
}
