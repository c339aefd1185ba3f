package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
)

// readers are the directories in which programs look for revocation lists. A * is
// any directory.
var readers = []string{"/etc/openvpn", "/etc/openvpn/server", "/etc/openvpn/server/*", "/etc/swanctl/x509crl"}

// lists are those that stand in directories of their readers.
type lists struct {
	read   []*x509.RevocationList // whoever signed them
	unread []error                // why one may be there that can't be read
}

// readersPlace is what is read once in a scene.
type readersPlace struct{}

// copies returns the revocation lists that stand in directories of their readers. A
// list that is lost was there too, and what it barred is barred for good.
func copies(s *derived.Scene) *lists {
	return derived.Once(s, readersPlace{}, func() *lists {
		all := new(lists)
		for _, dir := range directories(s.Host, readers) {
			all.look(s.Host, dir)
		}
		return all
	})
}

// directories puts the directories that are there in the place of a * at an end.
func directories(h derived.Host, patterns []string) []string {
	var all []string
	for _, pattern := range patterns {
		parent, any := strings.CutSuffix(pattern, "/*")
		if !any {
			all = append(all, pattern)
			continue
		}
		names, err := h.List(parent)
		if err != nil {
			continue // a file has its place
		}
		for _, name := range names {
			all = append(all, path.Join(parent, name))
		}
	}
	return all
}

// look reads the lists in a directory.
func (l *lists) look(h derived.Host, dir string) {
	names, err := h.List(dir)
	switch {
	case errors.Is(err, unix.ENOTDIR):
		return // a file has its place
	case err != nil:
		l.unread = append(l.unread, err)
	}
	for _, name := range names {
		if !strings.Contains(strings.ToLower(name), "crl") {
			continue
		}
		file := path.Join(dir, name)
		data, err := h.Follow(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var all []*x509.RevocationList
		if err == nil {
			all, err = anyCRL(data)
		}
		if l.read = append(l.read, all...); err != nil && isList(name, data) {
			l.unread = append(l.unread, fmt.Errorf("%s can't be read: %w", file, err))
		}
	}
}

// anyCRL reads lists in PEM, of which there may be one of each of several CAs, or one
// in DER, as their readers do.
func anyCRL(data []byte) ([]*x509.RevocationList, error) {
	if bare, err := x509.ParseRevocationList(data); err == nil {
		return []*x509.RevocationList{bare}, nil
	}
	list, err := parseCRL(data)
	if err != nil {
		return nil, err
	}
	all := []*x509.RevocationList{list}
	_, rest := pem.Decode(data)
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != policy.PEMCRL {
			continue
		}
		next, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return all, err
		}
		all = append(all, next)
	}
	return all, nil
}

// isList says whether what can't be read was meant for a list: with crl in its
// name there may also be scripts, and directories of others.
func isList(name string, data []byte) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".pem" || ext == ".crl" || bytes.Contains(data, []byte(policy.PEMCRL))
}

// signedList says whether the CA signed a list.
func signedList(list *x509.RevocationList, ca *x509.Certificate) bool {
	return bytes.Equal(list.RawIssuer, ca.RawSubject) && list.CheckSignatureFrom(ca) == nil
}
