// Package overlap tells how long a CA has to stay whose place another one took: for as
// long as anything that it signed is good.
package overlap

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// A Rest is what a CA signed that is good.
type Rest struct {
	Known bool // that could be found out; what can't be is not over
	Good  int
	Last  time.Time // when the last of these runs out
	Void  int       // what would be good if it were not revoked
}

// Over says whether nothing that the CA signed is good any more.
func (r Rest) Over() bool { return r.Known && r.Good == 0 }

// Spent says whether all that the CA signed has run out, so that no list of it bars
// anybody.
func (r Rest) Spent() bool { return r.Over() && r.Void == 0 }

// Ended says whether the CA at a path has run out itself.
func Ended(s *derived.Scene, ca string) bool {
	cert, err := authority(s, ca)
	return err == nil && !s.Now.Before(cert.NotAfter)
}

// authority reads the certificate of a CA.
func authority(s *derived.Scene, path string) (*x509.Certificate, error) {
	data, err := s.Follow(path)
	if err != nil {
		return nil, err
	}
	return policy.ParseCertificate(data)
}

// question is what is looked for once in a scene.
type question struct{ ca, ledger string }

// Of returns what the CA at a path signed that is good, as the ledger tells.
func Of(s *derived.Scene, ca, ledger string) Rest {
	return derived.Once(s, question{ca, ledger}, func() Rest {
		cert, err := authority(s, ca)
		if err != nil {
			return Rest{}
		}
		if !s.Now.Before(cert.NotAfter) {
			return Rest{Known: true}
		}
		return rest(s, cert, ledger)
	})
}

// Exchanged says whether another CA stands at a path than the one that signed all that is
// in a ledger: as soon as it has signed anything itself, somebody wanted it there.
func Exchanged(s *derived.Scene, ca, ledger string) bool {
	if _, err := authority(s, ca); err != nil || Of(s, ca, ledger).Known {
		return false
	}
	names, err := s.List(ledger)
	return err == nil && slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".pem") })
}

// Lost says so of what is to be made at a path where nothing stands.
func Lost(s *derived.Scene, path, ca, ledger string) *bool {
	if _, err := s.Look(path); !errors.Is(err, fs.ErrNotExist) || !Exchanged(s, ca, ledger) {
		return nil
	}
	return resource.Ptr(true)
}

// rest reads a ledger. Those never forget: one without anything of the CA was lost.
func rest(s *derived.Scene, ca *x509.Certificate, ledger string) Rest {
	names, err := s.List(ledger)
	if err != nil {
		return Rest{}
	}
	revoked := make(map[string]bool)
	for _, name := range names {
		if serial, is := strings.CutSuffix(name, ".revoked"); is {
			revoked[serial] = true
		}
	}
	var all Rest
	for _, name := range names {
		serial, is := strings.CutSuffix(name, ".pem")
		if !is {
			continue
		}
		data, _, err := s.Read(path.Join(ledger, name))
		if err != nil {
			return Rest{}
		}
		until, signed := end(s, data, ca)
		if !signed {
			continue // a list of a CA elsewhere, or of another CA
		}
		all.Known = true
		if !s.Now.Before(until) {
			continue
		}
		if revoked[serial] {
			all.Void++
			continue
		}
		all.Good++
		if until.After(all.Last) {
			all.Last = until
		}
	}
	return all
}

// whose is the question to the memo whose key signed a certificate, and until when.
const whose = "whose and until when"

// end returns when a certificate runs out, and whether the CA signed it.
func end(s *derived.Scene, data []byte, ca *x509.Certificate) (until time.Time, signed bool) {
	told, ok := s.Memo.Of(whose, func() (string, bool) {
		cert, err := policy.ParseCertificate(data)
		if err != nil {
			return "", false
		}
		return cert.NotAfter.UTC().Format(time.RFC3339) + string(cert.AuthorityKeyId), true
	}, data)
	size := len("2006-01-02T15:04:05Z")
	if !ok || len(told) < size {
		return time.Time{}, false
	}
	if key := told[size:]; key != string(ca.SubjectKeyId) && (key != "" || !verifies(s, data, ca)) {
		return time.Time{}, false
	}
	until, err := time.Parse(time.RFC3339, told[:size])
	return until, err == nil
}

// verifies says whether the signature of a certificate that does not say by which key it
// is, is the CA's.
func verifies(s *derived.Scene, data []byte, ca *x509.Certificate) bool {
	so, _ := s.Memo.Of("whether the signature is of", func() (string, bool) {
		cert, err := policy.ParseCertificate(data)
		if err != nil || ca.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) != nil {
			return "", true
		}
		return "yes", true
	}, data, ca.Raw)
	return so != ""
}
