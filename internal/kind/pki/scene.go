package pki

import (
	"crypto"
	"crypto/x509"
	"sync"
	"time"

	"vpnd/internal/atomic"
)

// scene is the surroundings as one call of a verb sees them: what many files
// have in common is read once. It is good for many hands at once.
type scene struct {
	Host
	names *atomic.Names
	now   time.Time

	mu      sync.Mutex
	issuers map[string]*issuer
	ledgers map[string]*ledger
	lists   *lists // of readers; nil until they are looked for
}

// issuer is a certificate that signs others, or why there is none.
type issuer struct {
	*x509.Certificate
	err error
}

func (h Host) scene() (*scene, error) {
	names, err := atomic.ReadNames(h.Root)
	if err != nil {
		return nil, err
	}
	return &scene{Host: h, names: names, now: h.Clock().UTC(), issuers: make(map[string]*issuer), ledgers: make(map[string]*ledger)}, nil
}

// issuer returns the certificate at that path.
func (s *scene) issuer(path string) (*x509.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.issuers[path]
	if !ok {
		i = new(issuer)
		var data []byte
		if data, i.err = s.follow(path); i.err == nil {
			i.Certificate, i.err = parseCertificate(data)
		}
		s.issuers[path] = i
	}
	return i.Certificate, i.err
}

// ledger returns the ledger in that directory.
func (s *scene) ledger(dir string) (*ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.ledgers[dir]
	if !ok {
		var err error
		if l, err = s.openLedger(dir); err != nil {
			return nil, err
		}
		s.ledgers[dir] = l
	}
	return l, nil
}

// key returns the private key at that path.
func (s *scene) key(path string) (crypto.Signer, error) {
	data, err := s.follow(path)
	if err != nil {
		return nil, err
	}
	return parseSigner(data)
}
