package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// What is not renewed is told of a month, a week and a day before its end, and
// then; once each, however often anybody looks.
func TestEndsAreToldBeforeTheyCome(t *testing.T) {
	id := resource.ID{Kind: "certificate", Name: "/ca.crt"}
	end := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	told := make(map[resource.ID]warning)
	nothing := func(resource.ID) bool { return false }
	var days []string
	for now := end.Add(-40 * day); now.Before(end.Add(3 * day)); now = now.Add(6 * time.Hour) {
		for range endings([]status.Expiry{{ID: id, NotAfter: end}}, told, nothing, now) {
			days = append(days, fmt.Sprint(int(end.Sub(now)/day)))
		}
	}
	if got := strings.Join(days, " "); got != "30 7 1 0" {
		t.Errorf("told so many days before: %s", got)
	}
	// A renewal begins it anew, and while one lies ahead nobody is told.
	renewed := []status.Expiry{{ID: id, NotAfter: end.Add(90 * day), Fresh: true}}
	if due := endings(renewed, told, nothing, end); len(due) != 0 || len(told) != 0 {
		t.Errorf("after a renewal: %v, %v", due, told)
	}
	soon := []status.Expiry{{ID: id, NotAfter: end.Add(day), Fresh: true}}
	if due := endings(soon, told, func(resource.ID) bool { return true }, end); len(due) != 0 {
		t.Errorf("before a renewal: %v", due)
	}
	if got := ending(status.Expiry{ID: id, Block: "pki.home", NotAfter: end}, end.Add(-7*day)); !strings.Contains(got, `certificate["/ca.crt"] of pki.home runs out on `) || !strings.HasSuffix(got, ", in 7 days, and is not renewed") {
		t.Error(got)
	}
}
