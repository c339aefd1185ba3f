package authority

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"vpnd/internal/atomic"
	"vpnd/internal/config"
	"vpnd/internal/config/edit"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// office is a block with a CA.
type office struct {
	id resource.ID
	pki.Authority
}

// offices returns the blocks with a CA, or the one at an address.
func offices(cfg *config.Config, in string) []office {
	var all []office
	for _, b := range cfg.Blocks {
		e, ok := b.Shape.(resource.Exporter)
		if !ok || in != "" && b.ID.String() != in {
			continue
		}
		if a, ok := e.Exports(b.ID.Name).(pki.Authority); ok {
			all = append(all, office{b.ID, a})
		}
	}
	return all
}

// only returns the only block with a CA.
func only(cfg *config.Config, in string) (office, error) {
	all := offices(cfg, in)
	if len(all) == 1 {
		return all[0], nil
	}
	var blocks []string
	for _, o := range all {
		blocks = append(blocks, o.id.String())
	}
	return office{}, several("CA", blocks)
}

// Succeed has a new CA take the place of the one of a block.
func Succeed(ctx context.Context, s *Session, in string, unasked bool) error {
	cfg, err := s.Load()
	if err != nil {
		return err
	}
	o, err := only(cfg, in)
	if err != nil {
		return err
	}
	if o.Imported {
		return fmt.Errorf("the CA of %s is not of vpnd's making; give the new one in ca_certificate and ca_key", o.id)
	}
	if o.Next != "" {
		return fmt.Errorf("a CA that is to take the place of the one of %s waits already, for its certificate %s; vpnd plan tells what it waits for", o.id, o.Next)
	}
	if key := o.key(cfg); key != "" && len(o.Above) == 0 {
		if _, err := atomic.Stat(s.host().Root, key); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the key of the CA of %s is away, and has to sign for the one that takes its place, or everybody would need a new profile; put it to %s first", o.id, key)
		}
	}
	next := edit.Attribute{Name: "ca_generation", Number: len(o.Trusted) + 1}
	return s.Edit(ctx, func(files []edit.File) (edit.Change, error) {
		return edit.Set(files, edit.Nested{In: o.id}, next)
	}, unasked)
}

// key is where the key of the CA is to be.
func (o office) key(cfg *config.Config) string {
	ca := wishesOf(cfg, "").Certificates[o.Certificate]
	if ca == nil {
		return ""
	}
	return resource.Or(ca.Key, "")
}

// Signable says why certificates can't be signed anew here and now. Nothing of them may
// be taken away then.
func Signable(s *Session, cfg *config.Config, names []string, rekey bool) error {
	w := wishesOf(cfg, "")
	for _, at := range sorted(w.Certificates) {
		want := w.Certificates[at]
		name := nameOf(want.Subject)
		if !slices.Contains(names, name) || want.Issuer == nil {
			continue
		}
		switch {
		case want.IssuerKey == nil:
			return fmt.Errorf("the CA of %s is elsewhere, and what stands would be gone before it has signed; vpnd pki export --csr %[1]s writes the request for a new certificate of the same key, and vpnd pki sign --import FILE takes that", name)
		case want.Key == nil && rekey:
			return fmt.Errorf("the key of %s is not on this host; vpnd pki sign --csr FILE %[1]s takes the request for a new one", name)
		}
		if _, err := atomic.Stat(s.host().Root, *want.IssuerKey); want.IssuerPEM == nil && errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the key of the CA that signs for %s is away; put it to %s first", name, *want.IssuerKey)
		}
	}
	return nil
}

// holder returns the blocks whose CAs have signed a certificate of that serial number,
// and whose it is.
func (s *Session) holder(all []office, serial string) (found []office, name string, err error) {
	for _, o := range all {
		entries, err := pki.Issued(s.host(), o.Ledger)
		if err != nil {
			return nil, "", err
		}
		for _, e := range entries {
			if e.Serial == serial {
				found, name = append(found, o), e.Subject.CommonName
			}
		}
	}
	return found, name, nil
}
