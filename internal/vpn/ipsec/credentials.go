package ipsec

import (
	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Where charon's certificates and keys are, in the directories that swanctl(8) loads
// when it starts. They are copies: a PKI is for nobody but root to enter.
const swanctl = "/etc/swanctl/"

func (e *expansion) certificateFile() string { return swanctl + "x509/vpnd-" + e.name + ".pem" }
func (e *expansion) keyFile() string         { return swanctl + "private/vpnd-" + e.name + ".pem" }
func (e *expansion) caFile() string          { return swanctl + "x509ca/vpnd-" + e.name + ".pem" }
func (e *expansion) crlFile() string         { return swanctl + "x509crl/vpnd-" + e.name + ".pem" }

// ca returns where the CA of the other side is, empty for nowhere.
func (t *Tunnel) ca() string {
	if t.CA == nil && t.Certificate != nil {
		return resource.Or(t.Certificate.CA, "")
	}
	return resource.Or(t.CA, "")
}

// crl returns where the revocation list of that CA is, empty for nowhere. One of a
// PKI says nothing of what another CA issued.
func (t *Tunnel) crl() string {
	if t.CRL == nil && t.CA == nil && t.Certificate != nil {
		return resource.Or(t.Certificate.CRL, "")
	}
	return resource.Or(t.CRL, "")
}

// addFiles copies what charon reads to where it looks.
func (e *expansion) addFiles() {
	if e.Certificate == nil {
		return
	}
	e.copy(e.certificateFile(), 0o644, e.Certificate.Certificate)
	e.copy(e.keyFile(), 0o600, e.Certificate.Key)
	e.copy(e.caFile(), 0o644, e.ca())
	if e.crl() != "" {
		e.copy(e.crlFile(), 0o644, e.crl())
	}
}

// copy makes a copy that follows its source, as the connection follows the copy. That
// each comes after the other, and takes notice of it, the configuration sees to.
func (e *expansion) copy(to string, mode resource.Mode, from string) {
	e.add(id(pki.KindAssembledFile, to), &pki.AssembledFile{
		Parts: []pki.Part{{File: &from}}, Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
	}, e.packages...)
}

func (e *expansion) localEnd() *ipsec.End {
	end := &ipsec.End{Auth: resource.Ptr("psk"), ID: e.localID()}
	if e.Certificate != nil {
		end.Auth = resource.Ptr("pubkey")
		end.Certificates, end.Key = []string{e.certificateFile()}, resource.Ptr(e.keyFile())
	}
	return end
}

func (e *expansion) remoteEnd() *ipsec.End {
	end := &ipsec.End{Auth: resource.Ptr("psk"), ID: e.remoteID()}
	if e.Certificate != nil {
		end.Auth = resource.Ptr("pubkey")
		end.CACerts, end.Revocation = []string{e.caFile()}, resource.Ptr(resource.Or(e.Revocation, "relaxed"))
		if e.crl() != "" {
			end.CRLs = []string{e.crlFile()}
		}
	}
	return end
}
