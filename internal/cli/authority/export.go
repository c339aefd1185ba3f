package authority

import (
	"bytes"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/passphrase"
	"vpnd/internal/config"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/pkcs8"
	"vpnd/internal/resource"
)

type exportFlags struct {
	csr, crl, ca, chain, key bool
	link                     bool
	generation               int // of the CA; 0 is what signs now
	der                      bool
	out, in                  string
	locked                   bool // the key is to be under a passphrase
	secret                   string
}

// encrypts says whether the key is to be under a passphrase.
func (f exportFlags) encrypts() bool { return f.locked || f.secret != "" }

// Export is vpnd pki export.
func Export(s *Session) *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write a certificate, a chain, a revocation list or requests for others to read",
		Long: `Writes the certificate of a server or client. With --chain those of the CAs above it
follow, with --ca or --crl it is the certificate or the list of the CA alone. Where one
took the place of another, --generation says of which, as vpnd pki list tells them; --link
is the certificate by which the one before vouches for it.

With --csr it is the request for the certificate, for a CA elsewhere to sign; without
NAME those of all that wait for a signature, each in a file of its own with --out DIR.

A private key is written only with --key; with --passphrase it is encrypted.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return s.export(name, f)
		},
	}
	c.Flags().BoolVar(&f.csr, "csr", false, "the request for it; without NAME all that wait for a signature")
	c.Flags().BoolVar(&f.crl, "crl", false, "the revocation list of the CA")
	c.Flags().BoolVar(&f.ca, "ca", false, "the certificate of the CA")
	c.Flags().BoolVar(&f.link, "link", false, "the certificate of the CA that the one before it signed, for those who know only that one")
	c.Flags().IntVar(&f.generation, "generation", 0, "with --ca, --crl or --link: of the CA of this `NUMBER`, instead of the one that signs now, or of all lists")
	c.Flags().BoolVar(&f.chain, "chain", false, "with the certificates of the CAs above it")
	c.Flags().BoolVar(&f.key, "key", false, "the private key, which whoever has it is taken for its owner")
	c.Flags().BoolVar(&f.locked, "passphrase", false, "with --key: encrypt it under a passphrase, which is asked for on the terminal")
	c.Flags().StringVar(&f.secret, "passphrase-file", "", "with --key: encrypt it under the passphrase in the first line of `FILE`; - is the standard input")
	c.Flags().BoolVar(&f.der, "der", false, "in DER instead of PEM")
	c.Flags().StringVar(&f.out, "out", "", "write to `FILE`, with --csr to this directory, instead of the standard output")
	c.Flags().StringVar(&f.in, "in", "", "of the block at `ADDRESS`, such as pki.office")
	c.MarkFlagsMutuallyExclusive("csr", "crl", "ca", "link", "chain", "key")
	c.MarkFlagsMutuallyExclusive("chain", "der")
	passphrase.Bare(c)
	return c
}

func (s *Session) export(name string, f exportFlags) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	w := wishesOf(cfg, f.in)
	switch {
	case f.encrypts() && !f.key:
		return errors.New("only a private key is encrypted; give --key, or leave --passphrase and --passphrase-file out")
	case f.generation != 0 && !f.crl && !f.link && (!f.ca || name != ""):
		return errors.New("--generation goes with --ca, --crl or --link, without a name")
	case f.csr:
		return s.exportRequests(w, name, f)
	case f.crl, f.link, f.ca && name == "":
		return s.exportOfCA(cfg, f)
	case name == "":
		return errors.New("name a server or client; --ca, --crl, --link and --csr go without")
	}
	at, err := w.certificate(name)
	if err != nil {
		return err
	}
	want := w.Certificates[at]
	switch {
	case f.ca:
		at = resource.Or(want.Issuer, at)
	case f.key:
		return s.exportKey(want, name, f)
	}
	files := []string{at}
	if f.chain {
		files = append(files, above(cfg, at, files)...)
	}
	return s.copy(files, f)
}

// above returns the files of the CAs above a certificate, the root last: those that sign
// here, and above one that was there before those that its block names.
func above(cfg *config.Config, at string, files []string) []string {
	all := wishesOf(cfg, "")
	for want := all.Certificates[at]; want != nil && want.Issuer != nil && !slices.Contains(files, *want.Issuer); want = all.Certificates[at] {
		at = *want.Issuer
		files = append(files, at)
	}
	for _, o := range offices(cfg, "") {
		if o.Imported && o.Certificate == at {
			files = append(files, o.CertificatesAbove()...)
		}
	}
	return files[1:]
}

// certificate finds the one of a server or client.
func (w wishes) certificate(name string) (string, error) {
	var known []string
	for at := range w.Certificates {
		known = append(known, label(at))
	}
	return w.one(called(w.Certificates, name, func(c *pki.Certificate) string { return nameOf(c.Subject) }), "certificate", name, known)
}

// copy writes files one behind the other.
func (s *Session) copy(files []string, f exportFlags) error {
	var all bytes.Buffer
	for _, file := range files {
		data, err := s.host().Follow(file)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not there yet; vpnd plan tells what it waits for", file)
		}
		if err != nil {
			return err
		}
		all.Write(data)
		if !bytes.HasSuffix(data, []byte("\n")) {
			all.WriteByte('\n')
		}
	}
	data, err := s.form(all.Bytes(), f)
	if err != nil {
		return err
	}
	return s.write(data, f.out, 0o644)
}

// form is PEM, or the DER of its first block, which no terminal is made for.
func (s *Session) form(data []byte, f exportFlags) ([]byte, error) {
	if !f.der {
		return data, nil
	}
	if f.out == "" && s.Terminal() {
		return nil, errors.New("DER is not for a terminal; write it to a file with --out FILE")
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it is not in PEM")
	}
	return block.Bytes, nil
}

// exportKey writes a private key, for root alone.
func (s *Session) exportKey(want *pki.Certificate, name string, f exportFlags) error {
	if want.Key == nil {
		return fmt.Errorf("the key of %s is not on this host", name)
	}
	if f.out == "" && s.Terminal() && !f.encrypts() {
		_, _ = fmt.Fprintf(s.Err, "WARNING: what follows is the private key of %s. Whoever sees it can pass for %[1]s, and it may stay in this terminal's scrollback.\n", name)
	}
	data, err := s.host().Follow(*want.Key)
	if err != nil {
		return err
	}
	if f.encrypts() {
		if data, err = s.lock(data, f); err != nil {
			return err
		}
	}
	if data, err = s.form(data, f); err != nil {
		return err
	}
	return s.write(data, f.out, 0o600)
}

// lock puts a key under a passphrase.
func (s *Session) lock(data []byte, f exportFlags) ([]byte, error) {
	key, err := policy.ParseSigner(data)
	if err != nil {
		return nil, err
	}
	secret, err := passphrase.Asker{In: s.In, Err: s.Err, Or: " FILE, or call this on a terminal"}.Key(f.secret)
	if err != nil {
		return nil, err
	}
	return pkcs8.Encrypt(key, secret.Reveal(), rand.Reader)
}

// exportOfCA writes what the only CA, or one whose place it took, is known by, or its list;
// the lists of all bar those that each of them signed for.
func (s *Session) exportOfCA(cfg *config.Config, f exportFlags) error {
	o, err := only(cfg, f.in)
	if err != nil {
		return err
	}
	last := len(o.Trusted) // CAs and lists, the last first
	if f.generation < 0 || f.generation > last {
		return fmt.Errorf("%s has CAs of generation 1 to %d; %[2]d is the one that signs now", o.id, last)
	}
	at := last - f.generation
	if f.generation == 0 {
		at = 0
	}
	switch {
	case f.ca:
		return s.copy(o.Trusted[at:at+1], f)
	case f.link && at >= len(o.Links):
		return fmt.Errorf("no CA came before generation %d of %s, or the one above vouches for both", last-at, o.id)
	case f.link:
		return s.copy(o.Links[at:at+1], f)
	case f.generation != 0:
		return s.copy(o.Lists[at:at+1], f)
	case f.der && last > 1:
		return fmt.Errorf("DER holds one list, and %s has one of each of its %d CAs; choose one with --generation, or leave --der out", o.id, last)
	}
	return s.copy(o.Lists, f)
}

func several(what string, blocks []string) error {
	if len(blocks) == 0 {
		return fmt.Errorf("the configuration has no %s", what)
	}
	return fmt.Errorf("there is a %s of each of %s; choose one with --in", what, strings.Join(blocks, ", "))
}

// exportRequests writes the request of one, or of all that wait for a signature.
func (s *Session) exportRequests(w wishes, name string, f exportFlags) error {
	var files []string
	if name != "" {
		at, err := w.certificate(name)
		if err != nil {
			return err
		}
		if w.Certificates[at].Request == nil {
			return fmt.Errorf("the certificate of %s is signed by a CA of this host, and needs no request", name)
		}
		files = append(files, *w.Certificates[at].Request)
	} else {
		waiting, err := pki.Unsigned(s.host(), w.Wishes)
		if err != nil {
			return err
		}
		for _, at := range waiting {
			files = append(files, *w.Certificates[at].Request)
		}
	}
	if len(files) == 0 {
		_, _ = fmt.Fprintln(s.Err, "Nothing waits for a signature.")
		return nil
	}
	if f.out == "" {
		return s.copy(files, f)
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		to := f
		to.out = filepath.Join(f.out, filepath.Base(file))
		if err := s.copy([]string{file}, to); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(s.Err, "%s\n", to.out)
	}
	return nil
}
