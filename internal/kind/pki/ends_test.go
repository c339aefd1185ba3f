package pki

import (
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// What people are told of an end is what stands in the file.
func TestWhenThingsRunOut(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	cert, err := resourcetest.Observe(t.Context(), newCertificates(r.Host), "/pki/a.crt")
	if err != nil {
		t.Fatal(err)
	}
	if end := cert.Ends(); end.At.IsZero() || end.At.Format(time.RFC3339) != *cert.NotAfter || end.Due != *cert.FreshUntil {
		t.Errorf("%+v", end)
	}
	for want, c := range map[bool]*Certificate{true: {Usage: resource.Ptr(policy.UsageCA)}, false: {}} {
		if c.Signs() != want {
			t.Errorf("%+v signs: %v", c, !want)
		}
	}
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Validity: resource.Ptr(10 * resource.Day)})
	list, err := resourcetest.Observe(t.Context(), newCRLs(r.Host), "/pki/crl.pem")
	if err != nil {
		t.Fatal(err)
	}
	if end := list.Ends(); end.At.Sub(r.Clock()).Round(time.Hour) != 240*time.Hour {
		t.Errorf("the list ends %s", end.At)
	}
	if end := (&CRL{PEM: resource.Ptr("no list")}).Ends(); !end.At.IsZero() {
		t.Errorf("a damaged list ends %s", end.At)
	}
}
