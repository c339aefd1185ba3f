package authority

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
)

type signFlags struct {
	csr     string
	imports bool
	in      string
	yes     bool
}

// Sign is vpnd pki sign.
func Sign(s *Session) *cobra.Command {
	var f signFlags
	c := &cobra.Command{
		Use:   "sign --csr FILE NAME | --import FILE...",
		Short: "Sign a request that was made elsewhere, or take in what a CA elsewhere has signed",
		Long: `With --csr, has a CA of this host sign a request whose key was made elsewhere and
never comes here. The client's block says so with csr = true; the name and all else
in the certificate come from that block, and only the key from the request.

With --import, takes in certificates and revocation lists that a CA elsewhere has
signed (ca_certificate without ca_key), in PEM or DER. Each is checked: that its key
is one of this host, the CA, the name, the usage and the dates, and that nobody who
was revoked comes in again. Where one thing is wrong, nothing is taken.

Both then show what that changes, ask, and apply it. FILE may be - for standard input.`,
		Args: func(_ *cobra.Command, args []string) error {
			if f.imports == (f.csr != "") || f.imports && len(args) == 0 || f.csr != "" && len(args) != 1 {
				return errors.New("say which")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if f.imports {
				return s.bring(c.Context(), args, f)
			}
			return s.sign(c.Context(), args[0], f)
		},
	}
	c.Flags().StringVar(&f.csr, "csr", "", "the request in this `FILE`, for the client NAME")
	c.Flags().BoolVar(&f.imports, "import", false, "take in what is in these files")
	c.Flags().StringVar(&f.in, "in", "", "of the block at `ADDRESS`, such as pki.office; needed where several have the name")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return c
}

// bring takes in what came back from a CA elsewhere.
func (s *Session) bring(ctx context.Context, files []string, f signFlags) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	var all [][]byte
	for _, file := range files {
		data, err := s.Read(file)
		if err != nil {
			return err
		}
		all = append(all, data)
	}
	taken, err := pki.Bring(s.host(), wishesOf(cfg, f.in).Wishes, all...)
	if err != nil {
		return fmt.Errorf("nothing is taken in: %w", err)
	}
	for _, t := range taken {
		if t.Name == "" {
			_, _ = fmt.Fprintf(s.Out, "Took in the revocation list for %s; the next has to be here by %s.\n", t.Path, t.Ends.Local().Format(time.DateTime))
			continue
		}
		_, _ = fmt.Fprintf(s.Out, "Took in the certificate of %s, good until %s.\n", t.Name, t.Ends.Local().Format(time.DateOnly))
	}
	_, _ = fmt.Fprintln(s.Out)
	if cfg, err = s.Load(); err != nil { // a CA that has its certificate may sign by now
		return err
	}
	return s.Apply(ctx, cfg, f.yes)
}

// sign puts a request where the block of a client wants it, and has it signed.
func (s *Session) sign(ctx context.Context, name string, f signFlags) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	w := wishesOf(cfg, f.in)
	for at, r := range w.requests {
		if r.Key != nil {
			delete(w.requests, at)
		}
	}
	if len(w.requests) == 0 {
		return fmt.Errorf("no client of the configuration has its key elsewhere; write client %q { csr = true } in its pki block", name)
	}
	var known []string
	for at := range w.requests {
		known = append(known, label(at))
	}
	at, err := w.one(called(w.requests, name, func(r *pki.CertificateRequest) string { return nameOf(r.Subject) }), "client with csr = true", name, known)
	if err != nil {
		return err
	}
	data, err := s.Read(f.csr)
	if err != nil {
		return err
	}
	request, err := policy.ParseRequest(data)
	if err == nil {
		err = policy.Strong(request.PublicKey)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.csr, err)
	}
	if wants, asked := nameOf(w.requests[at].Subject), request.Subject.CommonName; asked != wants {
		_, _ = fmt.Fprintf(s.Err, "The request asks for the name %q; the certificate will have %q, as the block says.\n", asked, wants)
	}
	if err := atomic.Write(s.host().Root, atomic.File{Path: at, Data: policy.EncodeRequest(request), Mode: 0o644}); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w; vpnd apply makes the directory first", err)
		}
		return err
	}
	return s.Apply(ctx, cfg, f.yes)
}
