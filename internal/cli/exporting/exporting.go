// Package exporting is the command vpnd client export: a profile is handed out, in the
// form in which its person takes it in, and that is noted.
package exporting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/passphrase"
	"vpnd/internal/clients"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// A Session is where the command reads and writes, and what it needs of the host.
type Session struct {
	In       io.Reader
	Out, Err io.Writer
	Size     func(io.Writer) (columns, lines int)                  // of a terminal; nothing of what is none
	Begin    func(context.Context) (*engine.Engine, func(), error) // opens the records, and what closes them again
	Read     func(path string) ([]byte, error)                     // a file of the host
	Write    func(path string, data []byte) error                  // a file for who calls alone
	Person   func() string                                         // who calls
}

// flags are those of the command.
type flags struct {
	server, out    string
	noted, all     bool
	asJSON         bool
	qr, legacy     bool
	format         string
	beside, secret string
	locked         bool // the key is to be under a passphrase
}

// formats are the values of --format.
const (
	asProfile = "profile"
	asPKCS12  = "p12"
)

// Command is vpnd client export.
func Command(s *Session) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Hand a profile out: as it is, for a key store, or as a QR code; and note that",
		Long: `Writes the profile of a client, with its keys, and notes that it was handed out, when
and by whom. A change that voids profiles, such as of the port, the protocol or the
CA, has plans and vpnd status name everybody who still needs a new one; that ends here.

With --passphrase the key in it is encrypted, and who dials with it is asked for the
passphrase. That is typed, or read from a file. The profile on this host stays as it is.

With --format p12 it is the certificate, its key and the CA for the key store of a
phone or a system, under a passphrase in any case. With --qr it
is a code on the terminal for a camera, where it is small enough: a profile of
WireGuard is, and one of OpenVPN, with its certificates, is not.

With --noted nothing is written: for profiles that were handed out otherwise.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.fit(args); err != nil {
				return err
			}
			e, done, err := s.Begin(c.Context())
			if err != nil {
				return err
			}
			defer done()
			return s.export(e, args, f)
		},
	}
	f.bind(c)
	return c
}

func (f *flags) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.server, "server", "", "only of this `ADDRESS`, such as openvpn_server.office")
	c.Flags().StringVar(&f.out, "out", "", "write it to `FILE`, for its owner alone, instead of the standard output")
	c.Flags().StringVar(&f.format, "format", asProfile, "`FORM` to write: profile, or p12 for a key store")
	c.Flags().BoolVar(&f.legacy, "legacy", false, "with --format p12: in the weak encryption that systems before about 2020 read")
	c.Flags().BoolVar(&f.locked, "passphrase", false, "encrypt the key under a passphrase, which is asked for on the terminal")
	c.Flags().StringVar(&f.secret, "passphrase-file", "", "encrypt the key under the passphrase in the first line of `FILE`, such as a credential; - is the standard input")
	c.Flags().StringVar(&f.beside, "beside", "", "with --format p12: write the profile without its key to `FILE`, to go with it")
	c.Flags().BoolVar(&f.qr, "qr", false, "show it as a QR code on the terminal")
	c.Flags().BoolVar(&f.noted, "noted", false, "write nothing; only note that it was handed out")
	c.Flags().BoolVar(&f.all, "all", false, "with --noted: everybody")
	c.Flags().BoolVar(&f.asJSON, "json", false, "write JSON; with --out or --noted")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{asProfile, asPKCS12}, cobra.ShellCompDirectiveNoFileComp))
	c.MarkFlagsMutuallyExclusive("qr", "out")
	c.MarkFlagsMutuallyExclusive("qr", "noted")
	c.MarkFlagsMutuallyExclusive("out", "noted")
	passphrase.Bare(c)
}

// fit says which flags don't fit together.
func (f *flags) fit(args []string) error {
	p12 := f.format == asPKCS12
	switch {
	case (len(args) == 1) == f.all || f.all && !f.noted:
		return errors.New("name one client, or note everybody with --all --noted")
	case !p12 && f.format != asProfile:
		return fmt.Errorf("--format %s is neither profile nor p12", f.format)
	case !p12 && (f.legacy || f.beside != ""):
		return errors.New("--legacy and --beside are for --format p12")
	case p12 && (f.qr || f.noted):
		return errors.New("--format p12 is written to a file or the standard output; leave --qr and --noted out")
	case f.noted && f.encrypts():
		return errors.New("--noted writes nothing that a passphrase could protect; leave --passphrase and --passphrase-file out")
	case f.asJSON && !f.noted && f.out == "":
		return errors.New("--json tells what was done, and the profile would stand in between; write that to a file with --out FILE")
	}
	return nil
}

// encrypts says whether the key is to be under a passphrase.
func (f *flags) encrypts() bool { return f.locked || f.secret != "" || f.format == asPKCS12 }

func (s *Session) export(e *engine.Engine, names []string, f flags) error {
	given, err := chosen(e, names, f.server)
	if err != nil {
		return err
	}
	if !f.noted {
		if err := s.hand(given, f); err != nil {
			return err
		}
	}
	if err := e.HandedOut(s.Person(), given...); err != nil {
		return err
	}
	if f.asJSON {
		return report.WriteJSON(s.Out, told(given, f))
	}
	var holders []string
	for _, g := range given {
		holders = append(holders, g.Holder)
	}
	_, _ = fmt.Fprintf(s.Err, "Noted that %s was handed out to %s.\n", count(len(given)), report.Names(holders))
	return nil
}

func count(n int) string {
	if n == 1 {
		return "the profile"
	}
	return fmt.Sprintf("each of %d profiles", n)
}

// A handed is what the JSON form tells of one profile.
type handed struct {
	Name    string   `json:"name"`
	Blocks  []string `json:"blocks"`
	Profile string   `json:"profile"`
	File    string   `json:"file,omitempty"` // that it was written to

	Encrypted bool `json:"key_encrypted,omitempty"`
}

// An answer is the JSON form of the command.
type answer struct {
	FormatVersion string   `json:"format_version"`
	HandedOut     []handed `json:"handed_out"`
}

func told(given []engine.Gift, f flags) answer {
	a := answer{FormatVersion: clients.FormatVersion, HandedOut: []handed{}}
	for _, g := range given {
		a.HandedOut = append(a.HandedOut, handed{g.Holder, g.Blocks(), g.ID.Name, f.out, f.encrypts()})
	}
	return a
}

// chosen returns what those clients are given, of everybody where none is named.
func chosen(e *engine.Engine, names []string, server string) ([]engine.Gift, error) {
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

// one returns the one profile that was asked for.
func one(given []engine.Gift) (engine.Gift, error) {
	if len(given) == 1 {
		return given[0], nil
	}
	var blocks []string
	for _, g := range given {
		blocks = append(blocks, g.Blocks()...)
	}
	blocks = slices.Compact(slices.Sorted(slices.Values(blocks)))
	return engine.Gift{}, fmt.Errorf("%s has a profile of each of %s; choose one with --server", given[0].Holder, strings.Join(blocks, ", "))
}

// asker is who asks for the passphrase of a key.
func (s *Session) asker() passphrase.Asker {
	return passphrase.Asker{In: s.In, Err: s.Err, Or: " FILE, or call this on a terminal"}
}
