package policy

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
)

// Extensions of lists, RFC 5280, sections 5.2 and 5.3.
var (
	extensionKeyID  = asn1.ObjectIdentifier{2, 5, 29, 35}
	extensionNumber = asn1.ObjectIdentifier{2, 5, 29, 20}
	extensionDelta  = asn1.ObjectIdentifier{2, 5, 29, 27}
	extensionScope  = asn1.ObjectIdentifier{2, 5, 29, 28}
	extensionReason = asn1.ObjectIdentifier{2, 5, 29, 21}
)

// removeFromCRL is the reason of an entry that takes another one back.
const removeFromCRL = 8

// Mistaken says why OpenSSL, and so OpenVPN, would not read a list of the CA as that of
// all that it revoked. OpenVPN goes on without a list where that is of another key of
// the CA, and refuses everybody where it can't tell what the list is for.
func Mistaken(list *x509.RevocationList, ca *x509.Certificate) error {
	if len(list.AuthorityKeyId) > 0 && len(ca.SubjectKeyId) > 0 && !bytes.Equal(list.AuthorityKeyId, ca.SubjectKeyId) {
		return errors.New("it names another key of its CA than the certificate of the CA does, and OpenVPN would go on as if there were no list")
	}
	for _, e := range list.Extensions {
		switch {
		case e.Id.Equal(extensionKeyID), e.Id.Equal(extensionNumber):
		case e.Id.Equal(extensionDelta):
			return errors.New("it tells what changed since another list; have the CA make a whole one")
		case e.Id.Equal(extensionScope) && !ofUsers(e.Value):
			return errors.New("it is for a part of what its CA signed, which readers refuse to take for all; have the CA make one without an issuing distribution point")
		case e.Critical && !e.Id.Equal(extensionScope):
			return fmt.Errorf("it says %s, which readers have to know and don't; have the CA leave that out", e.Id)
		}
	}
	for _, entry := range list.RevokedCertificateEntries {
		serial := SerialOf(entry.SerialNumber)
		if entry.ReasonCode == removeFromCRL {
			return fmt.Errorf("it takes serial number %s off itself, and readers let that in; have the CA make a whole list", serial)
		}
		for _, e := range entry.Extensions {
			if e.Critical && !e.Id.Equal(extensionReason) {
				return fmt.Errorf("it says %s of serial number %s, which readers have to know and don't; have the CA leave that out", e.Id, serial)
			}
		}
	}
	return nil
}

// ofUsers says whether an issuing distribution point says at most that the list is of
// certificates that are of no CA, as those here are.
func ofUsers(point []byte) bool {
	var all asn1.RawValue
	if _, err := asn1.Unmarshal(point, &all); err != nil {
		return false
	}
	for rest := all.Bytes; len(rest) > 0; {
		var one asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &one); err != nil || one.Tag != 1 {
			return false
		}
	}
	return true
}
