package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"net"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// template returns the certificate that the wish asks for, unsigned.
func template(want Certificate, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	subject, err := want.Subject.Marshal()
	if err != nil {
		return nil, err
	}
	id, err := policy.KeyID(public)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		RawSubject:            subject,
		SubjectKeyId:          id,
		DNSNames:              want.DNSNames,
		NotBefore:             now.Add(-policy.Backdate),
		NotAfter:              now.Add(time.Duration(resource.Or(want.Validity, DefaultValidity))),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
	for _, a := range want.IPAddresses {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.Unmap().AsSlice()))
	}
	switch resource.Or(want.Usage, policy.UsageServer) {
	case policy.UsageCA:
		t.IsCA, t.MaxPathLen = true, resource.Or(want.PathLength, 0)
		t.MaxPathLenZero = t.MaxPathLen == 0
		t.PermittedDNSDomains, t.PermittedDNSDomainsCritical = policy.SortedNames(want.Domains), len(want.Domains) > 0
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	case policy.UsageServer:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if _, ok := public.(*rsa.PublicKey); ok {
			t.KeyUsage |= x509.KeyUsageKeyEncipherment
		}
	case policy.UsageClient:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return t, nil
}
