package ipsec

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
)

// newlyRevoked is said where somebody is revoked who was not when the lists were loaded.
// Charon judges a certificate when a peer proves who it is, and an SA with new keys asks
// for no proof: whoever is up would stay so. As for other settings, SAs are made anew.
const newlyRevoked = "certificates that were revoked since"

// revocations are the serial numbers in the lists of a connection, in order. What can't
// be read charon can't load either, and says so.
func (v Verbs) revocations(c *Connection) []string {
	var all []string
	for _, path := range c.Remote.CRLs {
		data, err := v.reader(path)
		if err != nil {
			continue
		}
		list, err := x509.ParseRevocationList(der(data))
		if err != nil {
			continue
		}
		for _, one := range list.RevokedCertificateEntries {
			all = append(all, one.SerialNumber.Text(16))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// more says whether somebody is revoked now who was not before.
func more(now, before []string) bool {
	return slices.ContainsFunc(now, func(serial string) bool {
		_, there := slices.BinarySearch(before, serial)
		return !there
	})
}

// der is what a file holds in DER, which it may be without PEM around it.
func der(data []byte) []byte {
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes
	}
	return data
}
