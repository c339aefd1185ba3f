package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// buildCertificate issues a certificate; one that only the ledger lacks is
// entered there and stays.
func buildCertificate(s *derived.Scene, _ string, data []byte, want Certificate) (derived.Product, error) {
	stands, err := policy.ParseCertificate(data)
	if want.outside() {
		return buildOutside(s, stands, want)
	}
	if err == nil && want.Ledger != nil && good(s, stands, want) {
		return derived.Product{First: []atomic.File{entryFile(*want.Ledger, stands)}, Data: data}, nil
	}
	cert, err := issue(s, want)
	if err != nil {
		return derived.Product{}, err
	}
	p := derived.Product{Data: encodeCertificate(cert)}
	if want.Issuer != nil && want.Ledger != nil {
		// First, so that a kill can't leave a certificate that the CA doesn't
		// know of and so could never revoke.
		p.First = []atomic.File{entryFile(*want.Ledger, cert)}
	}
	return p, nil
}

func encodeCertificate(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: policy.PEMCertificate, Bytes: cert.Raw})
}

// issue signs a new certificate.
func issue(s *derived.Scene, want Certificate) (*x509.Certificate, error) {
	held, err := ownerOf(s, want)
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(held.public)
	if err != nil {
		return nil, fmt.Errorf("reading its key: %w", err)
	}
	t, err := template(want, public, s.Now)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = policy.NewSerial(s.Rand); err != nil {
		return nil, err
	}
	parent, signer, err := signing(s, t, want)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(s.Rand, t, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if want.Issuer != nil { // else it is not known by the bytes of its issuer yet
		s.Memo.Of(whoSigned, func() (string, bool) { return "", true }, der, parent.Raw) // CreateCertificate has checked it
	}
	return x509.ParseCertificate(der)
}

// signing returns who signs a new certificate, which ends no later than that.
func signing(s *derived.Scene, t *x509.Certificate, want Certificate) (*x509.Certificate, crypto.Signer, error) {
	switch {
	case want.Issuer == nil && want.Key == nil:
		return nil, nil, errors.New("it signs itself, and its key is not here; give issuer and issuer_key")
	case want.Issuer == nil:
		key, err := keyAt(s, *want.Key)
		return t, key, err
	}
	parent, signer, err := authority(s, *want.Issuer, *want.IssuerKey, want.IssuerPEM)
	if err != nil {
		return nil, nil, err
	}
	if t.NotAfter.After(parent.NotAfter) {
		t.NotAfter = parent.NotAfter
	}
	t.AuthorityKeyId = parent.SubjectKeyId // which crypto/x509 leaves out where both have one name
	return parent, signer, nil
}

// ownerOf tells of the key of a certificate: of one that is here, or of one that
// somebody else has, as the request says.
func ownerOf(s *derived.Scene, want Certificate) (heldKey, error) {
	if want.Key != nil {
		held, err := heldAt(s, *want.Key)
		if err != nil {
			err = fmt.Errorf("reading its key %s: %w", *want.Key, err)
		}
		return held, err
	}
	if want.Request == nil {
		return heldKey{}, errors.New("it has neither key nor request")
	}
	data, err := s.Follow(*want.Request)
	if err != nil {
		return heldKey{}, fmt.Errorf("reading the request for it: %w", err)
	}
	r, err := policy.ParseRequest(data)
	if err != nil {
		return heldKey{}, fmt.Errorf("reading the request %s: %w", *want.Request, err)
	}
	return heldKey{algorithm: policy.AlgorithmOf(r.PublicKey), public: r.RawSubjectPublicKeyInfo}, policy.Strong(r.PublicKey)
}

// issuerAt returns a CA that signs certificates, here or elsewhere.
func issuerAt(s *derived.Scene, path string) (*x509.Certificate, error) {
	ca, err := certificateAt(s, path)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the CA %s: %w; bring it back from a backup", path, unwrapped(err))
	}
	if early(s, ca.NotBefore) != nil {
		return nil, fmt.Errorf("the clock of this host says %s, before the CA %s began on %s, and what is signed now would be void; set the clock, as timedatectl set-time does", s.Now.Format(time.DateTime), path, ca.NotBefore.UTC().Format(time.DateTime))
	}
	if s.Now.After(ca.NotAfter) {
		return nil, fmt.Errorf("the CA %s ran out on %s; renew it first", path, ca.NotAfter.UTC().Format(time.DateOnly))
	}
	if !ca.IsCA || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("%s is not the certificate of a CA; name one that is", path)
	}
	return ca, nil
}

// authority returns a CA that can sign now.
func authority(s *derived.Scene, path, keyPath string, loan *resource.Secret) (*x509.Certificate, crypto.Signer, error) {
	ca, err := issuerAt(s, path)
	if err != nil {
		return nil, nil, err
	}
	key, err := lent(s, keyPath, loan)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of the CA %s: %w; bring it back for as long as something is to be signed", keyPath, unwrapped(err))
	}
	if !policy.SamePublic(key.Public(), ca.PublicKey) {
		return nil, nil, fmt.Errorf("the key %s does not belong to the CA %s; bring back the one that does", keyPath, path)
	}
	return ca, key, nil
}

// lent returns the key of a CA that was given for this apply, or the one at a path.
func lent(s *derived.Scene, path string, loan *resource.Secret) (crypto.Signer, error) {
	if loan == nil {
		return keyAt(s, path)
	}
	return policy.ParseSigner([]byte(loan.Reveal()))
}

// unwrapped leaves out the path of an error that names it already.
func unwrapped(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
