package status

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// paper is the shape of a certificate or a list, as far as it runs out.
type paper struct {
	NotAfter *string `vpnd:"not_after,computed"`
	PEM      *string `vpnd:"pem,computed"`
	Fresh    *bool   `vpnd:"fresh"`
}

func seen(kind, name string, shape paper) engine.Sight {
	return engine.Sight{ID: resource.ID{Kind: kind, Name: name}, Owners: []resource.Owner{{Block: resource.ID{Kind: "pki", Name: "office"}}}, Got: &shape}
}

// list returns a revocation list that ends then.
func list(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: end.Add(-time.Hour), NextUpdate: end}, ca, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

func TestWhenCertificatesAndListsRunOut(t *testing.T) {
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text := func(after time.Duration) *string { return resource.Ptr(end.Add(after).Format(time.RFC3339)) }
	all := func(resource.ID) bool { return true }
	got := Expiring(nil, []engine.Sight{
		seen("certificate", "/late", paper{NotAfter: text(time.Hour), Fresh: resource.Ptr(true)}),
		seen("crl", "/list", paper{PEM: resource.Ptr(list(t, end.Add(time.Minute)))}),
		seen("certificate", "/early", paper{NotAfter: text(0), Fresh: resource.Ptr(false)}),
		seen("certificate", "/broken", paper{}), seen("crl", "/damaged", paper{PEM: resource.Ptr("no list")}),
	}, all)
	told := ""
	for _, e := range got {
		told += fmt.Sprintf("%s %s %s %v\n", e.ID, e.Block, e.NotAfter.UTC().Format(time.TimeOnly), e.Fresh)
	}
	if want := `certificate["/early"] pki.office 03:04:05 false
crl["/list"] pki.office 03:05:05 false
certificate["/late"] pki.office 04:04:05 true
`; told != want {
		t.Errorf("got:\n%s", told)
	}
	// What was not looked at stays as it was told.
	early := func(id resource.ID) bool { return id.Name == "/early" }
	got = Expiring(got, []engine.Sight{seen("certificate", "/early", paper{NotAfter: text(2 * time.Hour), Fresh: resource.Ptr(true)})}, early)
	if len(got) != 3 || got[2].ID.Name != "/early" || !got[2].Fresh {
		t.Errorf("after a renewal: %+v", got)
	}
}

// A CA may have ten thousand.
func TestOfCertificatesTheFirstToRunOutAreTold(t *testing.T) {
	var all []engine.Sight
	for i := range 2 * mostExpiries {
		end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(-time.Duration(i) * time.Hour)
		all = append(all, seen("certificate", fmt.Sprint("/", i), paper{NotAfter: resource.Ptr(end.Format(time.RFC3339))}))
	}
	got := Expiring(nil, all, func(resource.ID) bool { return true })
	if len(got) != mostExpiries || got[0].ID.Name != fmt.Sprint("/", 2*mostExpiries-1) {
		t.Errorf("%d are told, the first: %+v", len(got), got[0])
	}
}
