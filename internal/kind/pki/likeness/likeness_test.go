package likeness

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
)

// What is written down of a certificate is read as it was, to the last attribute.
func TestText(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, l := range []Likeness{
		{
			Serial: "1f", Usage: policy.UsageServer,
			Subject:  policy.Subject{CommonName: "a", Organization: "b", OrganizationalUnit: "c", Country: "d", Province: "e", Locality: "f", Email: "g"},
			DNSNames: []string{"a.example", "b.example"}, Domains: []string{"example"}, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			NotBefore: at, NotAfter: at.Add(time.Hour), Public: []byte{0, 1, 255}, Signer: "who", PathLength: 2, Issuer: "root",
		},
		{DNSNames: []string{}, Domains: []string{}, Addresses: []netip.Addr{}, NotBefore: at, NotAfter: at, Public: []byte{}},
	} {
		got, ok := Read(l.Text())
		if !ok || !reflect.DeepEqual(*got, l) {
			t.Errorf("%v, %+v", ok, got)
		}
		if got, ok := Read(l.Text()[1:]); ok {
			t.Errorf("what is cut short is read as %+v", got)
		}
	}
}
