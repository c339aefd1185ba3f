package pki

import (
	"bytes"
	"crypto/x509"
	"path"
	"strings"
)

// readers are the folders in which programs look for revocation lists. A * is
// any folder.
var readers = []string{"/etc/openvpn", "/etc/openvpn/server", "/etc/openvpn/server/*", "/etc/swanctl/x509crl"}

// copies returns the revocation lists that stand in folders of their readers,
// whoever signed them. A list that is lost was there too, and what it barred is
// barred for good.
func (s *scene) copies() []*x509.RevocationList {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists == nil {
		s.lists = []*x509.RevocationList{}
		for _, dir := range s.folders(readers) {
			s.lists = append(s.lists, s.listsIn(dir)...)
		}
	}
	return s.lists
}

// folders puts the folders that are there in the place of a * at an end.
func (h Host) folders(patterns []string) []string {
	var all []string
	for _, pattern := range patterns {
		parent, any := strings.CutSuffix(pattern, "/*")
		if !any {
			all = append(all, pattern)
			continue
		}
		names, err := h.list(parent)
		if err != nil {
			continue // a file has its place
		}
		for _, name := range names {
			all = append(all, path.Join(parent, name))
		}
	}
	return all
}

// listsIn returns the lists in a folder. What can't be read bars nobody.
func (h Host) listsIn(dir string) []*x509.RevocationList {
	names, err := h.list(dir)
	if err != nil {
		return nil
	}
	var all []*x509.RevocationList
	for _, name := range names {
		if !strings.Contains(strings.ToLower(name), "crl") {
			continue
		}
		data, err := h.follow(path.Join(dir, name))
		if err != nil {
			continue
		}
		if list, err := parseCRL(data); err == nil {
			all = append(all, list)
		}
	}
	return all
}

// signedList says whether the CA signed a list.
func signedList(list *x509.RevocationList, ca *x509.Certificate) bool {
	return bytes.Equal(list.RawIssuer, ca.RawSubject) && list.CheckSignatureFrom(ca) == nil
}
