package status

import (
	"fmt"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// paper is the shape of a certificate or a list, as far as it runs out.
type paper struct{ end resource.End }

func (p *paper) Ends() resource.End { return p.end }

func seen(kind, name string, at time.Time, fresh bool) engine.Sight {
	return engine.Sight{
		ID: resource.ID{Kind: kind, Name: name}, Owners: []resource.Owner{{Block: resource.ID{Kind: "pki", Name: "office"}}},
		Got: &paper{resource.End{At: at, Fresh: fresh}},
	}
}

func TestWhenCertificatesAndListsRunOut(t *testing.T) {
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	all := func(resource.ID) bool { return true }
	got := Expiring(nil, []engine.Sight{
		seen("certificate", "/late", end.Add(time.Hour), true),
		seen("crl", "/list", end.Add(time.Minute), false),
		seen("certificate", "/early", end.Add(0), false),
		seen("certificate", "/broken", time.Time{}, false),
		{ID: resource.ID{Kind: "file", Name: "/x"}, Got: new(int)},
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
	got = Expiring(got, []engine.Sight{seen("certificate", "/early", end.Add(2*time.Hour), true)}, early)
	if len(got) != 3 || got[2].ID.Name != "/early" || !got[2].Fresh {
		t.Errorf("after a renewal: %+v", got)
	}
}

// A CA may have ten thousand.
func TestOfCertificatesTheFirstToRunOutAreTold(t *testing.T) {
	var all []engine.Sight
	for i := range 2 * mostExpiries {
		end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(-time.Duration(i) * time.Hour)
		all = append(all, seen("certificate", fmt.Sprint("/", i), end, true))
	}
	got := Expiring(nil, all, func(resource.ID) bool { return true })
	if len(got) != mostExpiries || got[0].ID.Name != fmt.Sprint("/", 2*mostExpiries-1) {
		t.Errorf("%d are told, the first: %+v", len(got), got[0])
	}
}
