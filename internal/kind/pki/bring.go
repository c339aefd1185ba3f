package pki

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/likeness"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// Wishes are what a configuration asks for that may wait for somebody, by path.
type Wishes struct {
	Certificates map[string]*Certificate
	Lists        map[string]*CRL
}

// Brought is a certificate or a list that was taken in, for the next apply to put in
// place.
type Brought struct {
	Path string    // where it will stand
	Name string    // common name; empty of a list
	Ends time.Time // when it runs out, or the next list has to be there
}

// Bring takes in what CAs elsewhere have signed: certificates and lists, in PEM or DER.
// Each is checked against what was asked for, and nothing is taken where one thing is
// wrong. It goes into the ledger, from where an apply puts it in place.
func Bring(h derived.Host, w Wishes, files ...[]byte) ([]Brought, error) {
	s, err := h.Scene()
	if err != nil {
		return nil, err
	}
	b := bringing{Scene: s, wishes: w}
	for _, data := range files {
		if err := b.read(data); err != nil {
			return nil, err
		}
	}
	if len(b.taken) == 0 && len(b.errs) == 0 {
		return nil, errors.New("these are certificates of CAs that ask for none here; those elsewhere are named in ca_certificate, and for a CA of this host vpnd pki export --csr writes the request of the key that it has now")
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return b.taken, atomic.WriteAll(h.Root, b.files)
}

// bringing is one Bring at work.
type bringing struct {
	*derived.Scene
	wishes Wishes
	taken  []Brought
	files  []atomic.File
	errs   []error
}

// read takes apart what is in a file: a certificate may come with those of the CAs above
// it, and a list with it.
func (b *bringing) read(data []byte) error {
	found := false
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found = true
		switch {
		case block.Type == policy.PEMCertificate:
			b.readCertificate(block.Bytes)
		case block.Type == policy.PEMCRL:
			b.readList(block.Bytes)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return errors.New("it holds a private key, which is nobody's to send around; bring the certificate without it")
		case block.Type == "PKCS7" || block.Type == "CMS":
			return errors.New("it holds certificates in PKCS #7; openssl pkcs7 -print_certs -in FILE writes them as vpnd reads them")
		}
	}
	if found {
		return nil
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		b.readCertificate(data)
		return nil
	}
	if _, err := x509.ParseRevocationList(data); err == nil {
		b.readList(data)
		return nil
	}
	return errors.New("it holds no certificate and no revocation list, in PEM or DER")
}

func (b *bringing) fail(what string, err error) {
	b.errs = append(b.errs, fmt.Errorf("%s: %w", what, err))
}

func (b *bringing) readCertificate(der []byte) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.fail("a file", fmt.Errorf("it holds a certificate that can't be read: %w", err))
		return
	}
	at, want := b.asked(cert)
	if cert.IsCA && want == nil {
		return // above the one that was asked for, perhaps
	}
	what := fmt.Sprintf("the certificate of %q, serial number %s", cert.Subject.CommonName, policy.SerialOf(cert.SerialNumber))
	if want == nil {
		b.fail(what, errors.New("nothing that waits here has its key; vpnd pki export --csr writes the requests of this host"))
		return
	}
	if err := b.check(cert, at, *want); err != nil {
		b.fail(what, err)
		return
	}
	b.taken = append(b.taken, Brought{at, cert.Subject.CommonName, cert.NotAfter})
	b.files = append(b.files, entryFile(*want.Ledger, cert))
}

// asked finds the wish that a certificate answers.
func (b *bringing) asked(cert *x509.Certificate) (string, *Certificate) {
	for _, at := range slices.Sorted(maps.Keys(b.wishes.Certificates)) {
		want := b.wishes.Certificates[at]
		if !want.outside() || want.Ledger == nil {
			continue
		}
		if held, err := ownerOf(b.Scene, *want); err == nil && held.is(likeness.Of(cert)) {
			return at, want
		}
	}
	return "", nil
}

// check says why a certificate is not to be taken.
func (b *bringing) check(cert *x509.Certificate, at string, want Certificate) error {
	ca, err := issuerAt(b.Scene, *want.Issuer)
	if err != nil {
		return err
	}
	if policy.SignedBy(cert, ca) != nil {
		return fmt.Errorf("the CA %s did not sign it", *want.Issuer)
	}
	if b.Now.Before(cert.NotBefore) {
		return fmt.Errorf("it is good from %s on, and here it is %s; set the clock that is wrong", cert.NotBefore.UTC().Format(time.DateTime), b.Now.Format(time.DateTime))
	}
	if !b.Now.Before(cert.NotAfter) {
		return fmt.Errorf("it ran out on %s", cert.NotAfter.UTC().Format(time.DateTime))
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: b.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return fmt.Errorf("readers would refuse it: %w", err)
	}
	if err := unacceptable(cert, want); err != nil {
		return err
	}
	return b.known(cert, at, want)
}

// known says what is known of a certificate by its serial number.
func (b *bringing) known(cert *x509.Certificate, at string, want Certificate) error {
	serial := policy.SerialOf(cert.SerialNumber)
	l, err := ledgerAt(b.Scene, *want.Ledger)
	if err != nil {
		return err
	}
	if l.revoked(serial) || b.listed(serial, *want.Issuer) {
		return errors.New("its CA has revoked it; have it sign the request anew")
	}
	if l.holds(serial) {
		if there, err := readEntry(b.Host, *want.Ledger, serial); err != nil || !bytes.Equal(there.Raw, cert.Raw) {
			return errors.Join(err, fmt.Errorf("another certificate with that serial number was brought before; a CA gives each number once"))
		}
		data, _, err := b.Read(at)
		if is, bad := policy.ParseCertificate(data); err == nil && bad == nil && bytes.Equal(is.Raw, cert.Raw) {
			return fmt.Errorf("it stands there already, as %s", at)
		}
	}
	return nil
}

// listed says whether a list of the CA bars a serial number.
func (b *bringing) listed(serial, issuer string) bool {
	for at, want := range b.wishes.Lists {
		if want.Issuer == nil || *want.Issuer != issuer {
			continue
		}
		if _, bars := b.bars(at, *want)[serial]; bars {
			return true
		}
	}
	return false
}

// bars returns what the list that stands bars, and the one that was brought for its place.
func (b *bringing) bars(at string, want CRL) map[string]note {
	all := make(map[string]note)
	old := b.standing(at, want)
	if old != nil {
		maps.Copy(all, listedBy(old))
	}
	if next, _ := broughtList(b.Scene, old, want); next != nil {
		maps.Copy(all, listedBy(next))
	}
	return all
}

func (b *bringing) standing(at string, want CRL) *x509.RevocationList {
	return newCRLs(b.Host).stands(b.Scene, at, want)
}

func (b *bringing) readList(der []byte) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		b.fail("a file", fmt.Errorf("it holds a revocation list that can't be read: %w", err))
		return
	}
	what := "the list of " + list.Issuer.String()
	for _, at := range slices.Sorted(maps.Keys(b.wishes.Lists)) {
		want := b.wishes.Lists[at]
		if !want.outside() || want.Ledger == nil {
			continue
		}
		ca, err := certificateAt(b.Scene, *want.Issuer)
		if err != nil || !signedList(list, ca) {
			continue
		}
		if err := cmp.Or(policy.Mistaken(list, ca), b.checkList(list, at, *want)); err != nil {
			b.fail(what, err)
			return
		}
		b.taken = append(b.taken, Brought{Path: at, Ends: list.NextUpdate})
		b.files = append(b.files, atomic.File{
			Path: path.Join(*want.Ledger, listName), Data: pem.EncodeToMemory(&pem.Block{Type: policy.PEMCRL, Bytes: der}), Mode: 0o600,
		})
		return
	}
	b.fail(what, errors.New("no CA whose lists are brought here signed it"))
}

// checkList says why a list is not to be taken.
func (b *bringing) checkList(list *x509.RevocationList, at string, want CRL) error {
	switch {
	case list.NextUpdate.IsZero():
		return errors.New("it says no next update, without which readers refuse it")
	case !b.Now.Before(list.NextUpdate):
		return fmt.Errorf("it ran out on %s; have the CA make a new one", list.NextUpdate.UTC().Format(time.DateTime))
	case b.Now.Add(policy.Backdate).Before(list.ThisUpdate):
		return fmt.Errorf("it is of %s, and here it is %s; set the clock that is wrong", list.ThisUpdate.UTC().Format(time.DateTime), b.Now.Format(time.DateTime))
	}
	old := b.standing(at, want)
	if next, _ := broughtList(b.Scene, old, want); next != nil {
		old = next
	}
	if old != nil && !laterList(list, old) {
		return errors.New("a later list of that CA is here already, or this one itself; what was revoked stays revoked")
	}
	now := listedBy(list)
	var again []string
	for serial := range b.bars(at, want) {
		if _, still := now[serial]; !still {
			again = append(again, b.holders(serial, want)...)
		}
	}
	if len(again) > 0 {
		slices.Sort(again)
		return fmt.Errorf("it would let %s in again, who was revoked; have the CA list all that it revoked and that has not run out", strings.Join(slices.Compact(again), ", "))
	}
	return nil
}

// holders returns whose certificate it is, as far as it has not run out and is known.
func (b *bringing) holders(serial string, want CRL) []string {
	cert, err := readEntry(b.Host, *want.Ledger, serial)
	if err != nil || !b.Now.Before(cert.NotAfter) {
		return nil
	}
	return []string{resource.Or(&cert.Subject.CommonName, serial)}
}

// Unsigned returns, in order, the paths of the certificates that wait for a CA
// elsewhere to sign them.
func Unsigned(h derived.Host, w Wishes) ([]string, error) {
	s, err := h.Scene()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, at := range slices.Sorted(maps.Keys(w.Certificates)) {
		want := w.Certificates[at]
		if !want.outside() {
			continue
		}
		data, _, err := h.Read(at)
		stands, bad := policy.ParseCertificate(data)
		if err == nil && bad == nil && good(s, stands, *want) || brought(s, nil, *want) != nil {
			continue
		}
		all = append(all, at)
	}
	return all, nil
}
